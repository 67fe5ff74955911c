import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Alerts } from '../../src/keeper/alerts/alerts.js';
import { Watch, type WatchedEntry } from '../../src/keeper/watch.js';
import { type DeniedEntry, NOT_SET_OFF } from '../../src/model/entry.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Connection } from '../../src/redis/connection.js';
import { claimAlert } from '../../src/store/alerts.js';
import { createLog } from '../../src/telemetry/log.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { factsFor, NO_WINDOW } from '../support/ledger.js';
import { type Received, type Receiver, startReceiver } from '../support/receiver.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { readMetric } from '../support/sidecar.js';
import { openStore } from '../support/store.js';
import { until } from '../support/until.js';

const RULES = `
rules:
  - id: loop
    action: block
    rateLimit: { limit: 5, window: 60 }
    alertAt: [0.8, 1.0]
  - { id: halting, action: halt, rateLimit: { limit: 5, window: 60 } }
  - { id: day, action: block, alertAt: [0.5], rateLimit: { limit: 9, window: { calendar: day } } }
  - { id: no-shell, action: block, match: { tool: shell } }
`;
const JSON_ROUTE = 'alerts: [{ name: json, format: json, url: { env: JSON_URL } }]';
const BOTH_ROUTES = `alerts:
  - { name: json, format: json, url: { env: JSON_URL } }
  - { name: slack, format: slack, url: { env: SLACK_URL } }
`;

interface Body {
  readonly id: string;
  readonly state: string;
  readonly event: string;
  readonly agent: string;
  readonly text: string;
  readonly [field: string]: unknown;
}
const bodyOf = ({ body }: Received) => JSON.parse(body) as Body;

describe('what people are told', { skip: NO_REDIS }, () => {
  let redis: RedisProcess;
  let receiver: Receiver;
  let connection: Connection;
  let startMs: number;
  const closing: Alerts[] = [];
  before(async () => {
    redis = await startRedis();
    receiver = await startReceiver();
    ({ connection } = await openStore(redis.url));
    process.env['JSON_URL'] = `${receiver.url}/json`;
    process.env['SLACK_URL'] = `${receiver.url}/slack`;
  });
  after(async () => {
    connection.close();
    await receiver.stop();
    await redis.stop();
  });
  afterEach(async () => {
    for (const alerts of closing.splice(0)) alerts.close();
    receiver.received.length = 0;
    receiver.answers.length = 0;
    await redis.client.flushall();
  });

  /** The alerts of one keeper, whose time the test makes. */
  function keeperOf(routes = JSON_ROUTE): {
    alerts: Alerts;
    metrics: Metrics;
    /** So many seconds after the start the ledger says this, and the keeper looks. */
    step(s: number, ...entries: ((atMs: number) => WatchedEntry)[]): Promise<void>;
  } {
    startMs = Date.now();
    const policy = parsePolicy(`${RULES}${routes}`);
    if ('errors' in policy) throw new Error(JSON.stringify(policy.errors));
    const metrics = createMetrics();
    const alerts = new Alerts({
      ...{ connection, policy: () => policy, metrics, log: createLog('silent', 'json') },
      aboutAgent: () => ({ team: 'ops', topTool: 'chat' }),
    });
    closing.push(alerts);
    return {
      ...{ alerts, metrics },
      async step(s, ...entries) {
        const atMs = startMs + s * 1000;
        const made = entries.map((make) => make(atMs));
        await alerts.onEntries('d', made, made.at(-1)?.id ?? `${atMs}-9`, atMs);
        await alerts.look('d', atMs);
      },
    };
  }

  const told = () => receiver.received.map((one) => `${bodyOf(one).state} ${bodyOf(one).event}`);
  const toldAre = (...expected: string[]) =>
    until(`${expected.join(', ')}; there are ${told().join(', ')}`, () => {
      return told().length === expected.length;
    }).then(() => assert.deepEqual(told(), expected));

  test('a denial is over when it has been quiet, and is told anew afterwards', async () => {
    const { step } = keeperOf();
    await step(0, denied('a'));
    await toldAre('firing denied');
    // It goes on for two minutes: nothing is told again.
    for (let s = 1; s <= 120; s += 1) await step(s, denied('a'));
    await step(179);
    await toldAre('firing denied');
    await step(181);
    await toldAre('firing denied', 'over denied');
    assert.equal(
      bodyOf(receiver.received[1] as Received).text,
      'a of ops is blocked by loop no more',
    );
    await step(200, denied('a'));
    await toldAre('firing denied', 'over denied', 'firing denied');
    const ids = receiver.received.map((one) => bodyOf(one).id);
    assert.equal(new Set(ids).size, 3);
    assert.equal(receiver.received[0]?.headers['tollgate-id'], ids[0]);
  });

  test('what is told late, after it was over, is told to be over at once; and the next time is told', async () => {
    const { step } = keeperOf();
    const free = receiver.hold();
    await step(0, denied('a'));
    await until('the receiver to have it', () => receiver.received.length === 1);
    await step(70);
    free();
    await toldAre('firing denied', 'over denied');
    await step(90, denied('a'));
    await toldAre('firing denied', 'over denied', 'firing denied');
  });

  test('a loop does not fill the queue of a slow receiver, and a halt goes before what waits', async () => {
    const { step, metrics } = keeperOf();
    const free = receiver.hold();
    for (let s = 0; s < 100; s += 1) await step(s, denied('a'), denied('b'), denied('c'));
    await step(100, halted('x'));
    assert.equal(readMetric(await metrics.registry.metrics(), 'tollgate_alerts_waiting'), 4);
    free();
    await until('all to be told', () => receiver.received.length === 4);
    assert.deepEqual(
      receiver.received.map((one) => bodyOf(one).agent),
      ['a', 'x', 'b', 'c'],
    );
  });

  test('thresholds of a calendar window are told on each of its days', async () => {
    const { step } = keeperOf();
    await step(0, threshold('day'), threshold('day'));
    await toldAre('firing threshold');
    const [key = ''] = await redis.client.keys('tg:{d}:alert:told:json:*');
    const leftMs = await redis.client.pttl(key);
    assert.ok(leftMs > 0 && leftMs <= 86_400_000, `${leftMs} ms`);
  });

  test('of a rule that halts the halt is told, once by two keepers, and its end', async () => {
    const [one, other] = [keeperOf(), keeperOf()];
    for (let s = 0; s < 5; s += 1) {
      await one.step(
        s,
        denied('a', { rule: 'halting' }),
        ...(s === 0 ? [halted('a', 'halting')] : []),
      );
    }
    await one.step(6, resumed('a'));
    await toldAre('firing halted', 'over halted');
    // The other keeper reads the same, later.
    await other.step(0, halted('a', 'halting'));
    await other.step(6, resumed('a'));
    await other.step(100);
    await toldAre('firing halted', 'over halted');
  });

  test('a grant ends the alert, and a denial after it, or at a higher limit, is told', async () => {
    const { step } = keeperOf();
    await step(0, denied('a'), denied('b'));
    await step(1, granted('a', 'loop'));
    await toldAre('firing denied', 'firing denied', 'over denied');
    await step(2, denied('a'));
    await toldAre('firing denied', 'firing denied', 'over denied', 'firing denied');
    await step(3, denied('b', { limit: 9, used: 9 }));
    await until('the higher limit', () => receiver.received.length === 5);
    assert.match(bodyOf(receiver.received[4] as Received).text, /^b .*: 9 of 9 calls used$/);
  });

  test('what is denied outright, or never fits, says so; nobody waits for its end', async () => {
    const { step } = keeperOf();
    await step(0, denied('a', { rule: 'no-shell', metric: undefined, used: 0, limit: 0 }));
    await step(1, denied('b', { used: 0 }));
    await toldAre('firing denied', 'firing denied');
    const details = receiver.received.map((one) => String(bodyOf(one)['details']));
    assert.match(details[0] ?? '', /the rule allows no such call/);
    assert.match(details[1] ?? '', /more than the whole limit/);
    await step(100);
    await toldAre('firing denied', 'firing denied', 'over denied');
    await step(120, denied('a', { rule: 'no-shell', metric: undefined, used: 0, limit: 0 }));
    await step(3_900);
    await toldAre('firing denied', 'firing denied', 'over denied');
  });

  test('a whole limit is a threshold for those who are not told of denials', async () => {
    const only = 'alerts: [{ name: json, format: json, url: { env: JSON_URL }, on: [threshold] }]';
    const whole = threshold('loop', 5);
    const [all, some] = [keeperOf(), keeperOf(only)];
    await all.step(0, whole, threshold('loop', 4));
    await toldAre('firing threshold');
    await some.step(0, whole);
    await toldAre('firing threshold', 'firing threshold');
  });

  test('what a keeper has claimed and not told is told by another', async () => {
    const { alerts, step } = keeperOf(BOTH_ROUTES);
    const entry = denied('a')(startMs);
    const opening = { domain: 'd', subject: '["denied","loop","agent=a"]', since: entry.id };
    // It died before it could send.
    assert.equal(await claimAlert(connection, opening, 'json', 'dead', 1_500), 'ours');
    await step(0, () => entry);
    assert.equal(await redis.client.get('tg:{d}:alerts:read'), null);
    await until('it to be told on both routes', () => receiver.received.length === 2);
    await until('it to be remembered', async () => {
      await alerts.look('d', startMs);
      return (await redis.client.get('tg:{d}:alerts:read')) === entry.id;
    });
  });

  test('a keeper begins where all was told, however long ago; what is over by then is no news', async () => {
    const { alerts, step } = keeperOf();
    const hourAgoMs = startMs - 3_600_000;
    await redis.client.set('tg:{d}:alerts:read', `${hourAgoMs}-0`);
    const fields = [
      'k',
      'h',
      'g',
      'a',
      'n',
      `${hourAgoMs * 1000} 0`,
      'j',
      '{"why":"it loops","by":"ann"}',
    ];
    await redis.client.xadd('tg:{d}:ledger', `${hourAgoMs}-1`, ...fields);
    const watch = new Watch(
      connection,
      (domain, nowMs) => alerts.toldUpTo(domain, nowMs),
      (domain, entries, lastId, nowMs) => alerts.onEntries(domain, entries, lastId, nowMs),
    );
    await watch.look('d', startMs);
    await toldAre('firing halted');
    await step(0, (atMs) => denied('a')(atMs - 600_000));
    await step(1, denied('b'));
    await toldAre('firing halted', 'firing denied');
  });

  test('a webhook that fails is tried again, and given up after a while or where that is no use', async () => {
    const elsewhere = { status: 302, headers: { location: `${receiver.url}/elsewhere` } };
    const busy = { status: 429, headers: { 'retry-after': '1' } };
    const cases: { answers: Receiver['answers']; tries: number; failed: number }[] = [
      { answers: [{ status: 503 }, busy], tries: 3, failed: 0 },
      { answers: [{ status: 404 }], tries: 1, failed: 1 },
      { answers: [elsewhere, { status: 404 }], tries: 2, failed: 1 },
    ];
    for (const { answers, tries, failed } of cases) {
      const { alerts, step, metrics } = keeperOf();
      await redis.client.flushall();
      receiver.received.length = 0;
      receiver.answers.push(...answers);
      await step(0, denied('a'));
      await until('it to be told or given up', async () => {
        await alerts.look('d', startMs);
        return (await redis.client.get('tg:{d}:alerts:read')) !== null;
      });
      assert.equal(receiver.received.length, tries);
      assert.ok(receiver.received.every(({ path }) => path === '/json'));
      assert.equal(new Set(receiver.received.map((one) => bodyOf(one).id)).size, 1);
      // A new series shows 0 first.
      await metrics.registry.metrics();
      const text = await metrics.registry.metrics();
      assert.equal(readMetric(text, 'tollgate_alerts_failed_total', '{route="json"}'), failed);
    }
  });

  test('a user and a password in a URL authorize, and are in no error', async () => {
    const { port } = new URL(receiver.url);
    process.env['JSON_URL'] = `http://ann:s%40crit@127.0.0.1:${port}/json`;
    const { step } = keeperOf();
    await step(0, denied('a'));
    await toldAre('firing denied');
    process.env['JSON_URL'] = `${receiver.url}/json`;
    assert.equal(
      receiver.received[0]?.headers.authorization,
      `Basic ${Buffer.from('ann:s@crit').toString('base64')}`,
    );
  });

  test('names are text: in Slack no markup, in a shell no command', async () => {
    const { step } = keeperOf(BOTH_ROUTES);
    const agent = "<!channel> & '`rm`";
    await step(0, denied(agent));
    await until('both routes to be told', () => receiver.received.length === 2);
    const [json, slack] = ['/json', '/slack'].map((at) => {
      return bodyOf(receiver.received.find(({ path }) => path === at) as Received);
    });
    const day = new Date(startMs).toISOString().slice(0, 10);
    const command = `tollgate explain '<!channel> & '\\''\`rm\`' --day ${day}`;
    assert.equal(json?.['explain'], command);
    assert.match(String(slack?.text), /&lt;!channel&gt; &amp; '`rm` of ops/);
    const blocks = slack?.['blocks'] as { text: { type: string; text: string } }[];
    assert.ok(blocks.every(({ text }) => text.type === 'plain_text'));
    assert.equal(blocks.at(-1)?.text.text, command);
  });
});

let seq = 0;

function base(atMs: number): { id: string; atMs: number } {
  seq += 1;
  return { id: `${atMs}-${seq}`, atMs };
}

function denied(agent: string, more: Partial<DeniedEntry> = {}) {
  return (atMs: number): WatchedEntry => ({
    ...{ ...NO_WINDOW, ...base(atMs), kind: 'denied', rule: 'loop', partition: `agent=${agent}` },
    ...{ facts: factsFor('', { agent, team: 'ops', tool: 'search' }), calls: 1 },
    asked: { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 },
    ...{ firstUs: atMs * 1000, lastUs: atMs * 1000, run: 'run-1' },
    ...{ metric: 'calls', used: 5, limit: 5, ...more },
  });
}

function halted(agent: string, rule = '') {
  return (atMs: number): WatchedEntry => ({
    ...{ ...NOT_SET_OFF, ...base(atMs), kind: 'halted', agent, rule, by: rule === '' ? 'ann' : '' },
    ...{ why: 'it loops', untilUs: 0 },
  });
}

function resumed(agent: string) {
  return (atMs: number): WatchedEntry => ({ ...base(atMs), kind: 'resumed', agent, by: 'ann' });
}

function granted(agent: string, rule: string) {
  return (atMs: number): WatchedEntry => ({
    ...{ ...base(atMs), kind: 'granted', agent, rule, add: 2, by: 'ann', why: 'w', untilUs: 0 },
  });
}

function threshold(rule: string, amount = 4) {
  return (atMs: number): WatchedEntry => ({
    ...{ ...NOT_SET_OFF, ...base(atMs), kind: 'threshold', rule, partition: 'agent=a', agent: 'a' },
    ...{ metric: 'calls', limit: 5, amount },
  });
}
