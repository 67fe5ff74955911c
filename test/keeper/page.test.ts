import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type BrowserPage, NO_BROWSER, startBrowser } from '../support/browser.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

describe('the page', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  let sidecar: SidecarProcess;
  let url = '';
  before(async () => {
    redis = await startRedis();
    sidecar = await spawnSidecar({ REDIS_URL: redis.url });
    url = String(sidecar.log.find(({ page }) => page !== undefined)?.['page']);
  });
  after(async () => {
    await sidecar.stop();
    await redis.stop();
  });

  async function ask(agent: string, calls: number, estimated_cost = 0.25): Promise<void> {
    for (let call = 0; call < calls; call += 1) {
      const request = { agent_id: agent, team_id: 'ops', tool: 'search', estimated_cost };
      await sidecar.channel.authorize({ ...request, final: true }, 5_000);
    }
  }

  test('is read only, and for this machine only', async () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal((await fetch(url, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${url}../../package.json`)).status, 404);
    const { headers } = await fetch(url);
    assert.match(String(headers.get('content-security-policy')), /^default-src 'none'/);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(url);
      request({ hostname, port, headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 403);
  });

  describe('in a browser', { skip: NO_BROWSER }, () => {
    let browser: BrowserPage;
    before(async () => {
      browser = await startBrowser();
      await browser.open(url);
    });
    after(() => browser.stop());

    const text = (selector: string) =>
      browser.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).innerText`);

    test('shows spend, a denial within two seconds, a halt; and names as text', async () => {
      await ask('looper', 50);
      const tookMs: number[] = [];
      for (const agent of ['looper', HOSTILE]) {
        if (agent !== 'looper') await ask(agent, 50);
        const startedMs = performance.now();
        await ask(agent, 1);
        await until('the denial to be shown', async () => (await text('#denials')).includes(agent));
        tookMs.push(performance.now() - startedMs);
      }
      console.log(`a denial was shown in ${tookMs.map((ms) => Math.round(ms)).join(', ')} ms`);
      assert.ok(Math.min(...tookMs) < 2_000);
      assert.match(await text('#denials'), /looper\s+ops\s+loop-detection\s+50 of 50 calls\s+1\s/);
      await until('the spend to be shown', async () => (await text('#agents')).includes('$12.50'));
      await until('both agents in the total', async () =>
        (await text('#totals')).includes('$25.00'),
      );
      assert.match(await text('#limits'), /loop-detection\s+agent=looper\s+50 of 50 calls\s+100%/);
      assert.match(await text('#news'), /was denied by loop-detection$/);
      const args = ['halt', 'looper', '--why', 'it loops', '--for', '15m'];
      assert.equal((await tollgate(args, { REDIS_URL: redis.url })).code, 0);
      await until('the halt to be shown', async () => (await text('#halts')).includes('it loops'));
      // The name that would be markup is text, and nothing of it has run.
      assert.equal(await browser.evaluate('document.title'), 'Tollgate');
      assert.equal(
        await browser.evaluate("document.querySelectorAll('main img, main script').length"),
        0,
      );
      assert.deepEqual(browser.complaints, []);
    });

    test('can be used with a keyboard and a screen reader', async () => {
      const focused = () =>
        browser.evaluate<string>('document.activeElement.id || document.activeElement.className');
      await browser.evaluate('document.activeElement.blur()');
      await browser.press('Tab');
      assert.equal(await focused(), 'skip');
      await browser.press('Tab');
      assert.equal(await focused(), 'filter');
      await browser.send('Input.insertText', { text: 'img' });
      await until('the filter to work', async () => !/^looper\s/m.test(await text('#agents')));
      assert.match(await text('#agents'), /<img/);
      await browser.evaluate("filter.value = ''; filter.dispatchEvent(new Event('input'))");
      const { nodes } = (await browser.send('Accessibility.getFullAXTree')) as {
        nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
      };
      const named = (role: string) =>
        nodes
          .filter((node) => !node.ignored && node.role?.value === role)
          .map(({ name }) => name?.value);
      assert.deepEqual(named('heading'), [
        ...['Tollgate', 'Today', 'Halted', 'Last denials'],
        ...['Spend today, by agent', 'Limits, the fullest first'],
      ]);
      assert.deepEqual(named('searchbox'), ['Show']);
      assert.ok(named('rowheader').length > 0);
      // Bars say nothing that the number beside them does not.
      assert.ok(!named('columnheader').includes(''));
    });

    test('of many denials the last ten are shown, and the rest when asked for', async () => {
      for (let n = 0; n < 12; n += 1) await ask(`customer-support-v${n}`, 1, 60);
      const rows = () =>
        browser.evaluate<number>("document.querySelectorAll('#denials tbody tr').length");
      await until('the button to be there', async () =>
        /^Show \d+ more$/.test(await text('#more')),
      );
      assert.equal(await rows(), 10);
      const [, rest] = /(\d+)/.exec(await text('#more')) ?? [];
      await browser.evaluate('document.querySelector("#more").click()');
      assert.equal(await rows(), 10 + Number(rest));
      assert.equal(await text('#more'), 'Show only the last 10');
      await browser.evaluate('document.querySelector("#more").click()');
      assert.equal(await rows(), 10);
    });

    test('is whole on a telephone: no word is broken, and nothing is off the screen', async () => {
      const size = { width: 400, height: 900, deviceScaleFactor: 1, mobile: true };
      await browser.send('Emulation.setDeviceMetricsOverride', size);
      const wide = await browser.evaluate<string[]>(`[...document.querySelectorAll('html, .scroll')]
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map(({ outerHTML }) => outerHTML.slice(0, 80))`);
      assert.deepEqual(wide, []);
      assert.deepEqual(await browser.evaluate<string[]>(`(${brokenWords})()`), []);
      assert.doesNotMatch(await text('#denials thead'), /Team|Calls/);
      assert.doesNotMatch(await text('#agents thead'), /Team|Usual by now|Fullest limit/);
      await browser.send('Emulation.clearDeviceMetricsOverride');
      assert.match(await text('#agents thead'), /Team.*Usual by now/s);
    });

    for (const scheme of ['light', 'dark']) {
      test(`is readable in ${scheme}`, async () => {
        const features = [{ name: 'prefers-color-scheme', value: scheme }];
        await browser.send('Emulation.setEmulatedMedia', { features });
        const worst = await browser.evaluate<{ ratio: number; of: string }>(`(${worstContrast})()`);
        assert.ok(worst.ratio >= 4.5, `${worst.of} has a contrast of ${worst.ratio.toFixed(2)}`);
        const ground = await browser.evaluate<string>(
          'getComputedStyle(document.body).backgroundColor',
        );
        const [, red] = /rgb\((\d+)/.exec(ground) ?? [];
        assert.equal(Number(red) < 128, scheme === 'dark');
      });
    }
  });
});

/** Runs in the page: words of less than 20 letters that stand on two lines. */
const brokenWords = `function () {
  const broken = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const { 0: word, index } of node.data.matchAll(/[^\\s-]+/g)) {
      if (word.length >= 20) continue;
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) broken.push(word);
    }
  }
  return broken;
}`;

/** Runs in the page: the text that is hardest to read, by the formula of WCAG. */
const worstContrast = `function () {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return parse(color)[3] === 0 && element.parentElement ? groundOf(element.parentElement) : color;
  };
  let worst = { ratio: Infinity, of: '' };
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(groundOf(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst.ratio) worst = { ratio, of: element.outerHTML.slice(0, 120) };
  }
  return worst;
}`;
