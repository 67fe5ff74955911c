import assert from 'node:assert/strict';
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readSettings } from '../../src/settings.js';
import { type Sidecar, StartError, startSidecar } from '../../src/sidecar.js';
import { createLog } from '../../src/telemetry/log.js';
import { formatListen } from '../../src/wire/listen.js';
import { tollgate } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { MAIN, type SidecarProcess, spawnSidecar, TEST_DECISION_MS } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 5_000;
const BUF = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));

describe('the server', () => {
  const folder = scratchFolder();
  /** The one that most tests ask, on the embedded engine. */
  let sidecar: SidecarProcess;
  let startedWithinMs: number;
  before(async () => {
    const startMs = performance.now();
    sidecar = await spawnSidecar({ TOLLGATE_POLCY: 'x', TOLLGATE_SERVICE_HOST: '10.0.0.1' });
    startedWithinMs = performance.now() - startMs;
  });
  after(() => sidecar.stop());

  /** Runs `serve` to its end, which is expected to come at once. */
  async function refusal(env: Record<string, string>): Promise<{ code: unknown; text: string }> {
    const child = promisify(execFile)(process.execPath, [MAIN, 'serve'], {
      env: {
        PATH: process.env['PATH'],
        TOLLGATE_OPS_LISTEN: '127.0.0.1:0',
        TOLLGATE_PAGE_LISTEN: 'off',
        ...env,
      },
    });
    const { code, stdout, stderr } = await child.then(
      (end) => ({ ...end, code: 0 }),
      (error: { code: unknown; stdout: string; stderr: string }) => error,
    );
    return { code, text: (stdout + stderr).replaceAll('\\"', '"') };
  }

  /** Starts one in this process: a process for each would take a second. */
  async function startHere(env: Record<string, string>): Promise<Sidecar> {
    const settings = readSettings({
      TOLLGATE_OPS_LISTEN: '127.0.0.1:0',
      TOLLGATE_PAGE_LISTEN: 'off',
      TOLLGATE_DECISION_MS: String(TEST_DECISION_MS),
      ...env,
    });
    if ('problems' in settings) throw new StartError(settings.problems.join('\n'));
    return startSidecar(settings, createLog('silent', 'json'));
  }

  /** Why it would not start. */
  async function problemOf(env: Record<string, string>): Promise<string> {
    const error: unknown = await startHere(env).then(
      ({ stop }) => stop(),
      (why) => why,
    );
    assert.ok(error instanceof StartError, JSON.stringify(env));
    return error.message;
  }

  test('probes and metrics answer on the ops port, and nothing else does', async () => {
    assert.equal((await sidecar.ops('/livez')).status, 200);
    assert.equal((await sidecar.ops('/readyz')).status, 200);
    assert.equal((await sidecar.ops('/')).status, 404);
    await sidecar.channel.authorize({ agent_id: 'a', tool: 't' }, TIMEOUT_MS);
    const first = await (await sidecar.ops('/metrics')).text();
    assert.match(
      first,
      /\ntollgate_decisions_total\{verdict="allow",rule="none"\} 0\n/,
      'at first',
    );
    const text = await (await sidecar.ops('/metrics')).text();
    for (const line of [
      'tollgate_decisions_total{verdict="allow",rule="none"} 1',
      'tollgate_uncosted_calls_total 1',
      'tollgate_authorize_duration_seconds_count 1',
      'tollgate_store_up 1',
      'tollgate_policy_last_reload_successful 1',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line);
    }
    assert.match(text, /tollgate_store_duration_seconds_count\{command="authorize"\} \d/);
    assert.match(text, /tollgate_policy_info\{hash="[0-9a-f]{12}"\} 1/);
  });

  test('serves within 10 s with Node alone, and says that the engine keeps nothing', async () => {
    assert.ok(startedWithinMs < 10_000);
    const ready = sidecar.log.find(({ msg }) => String(msg).startsWith('tollgate is ready'));
    assert.match(String(ready?.['msg']), /one process, not shared, nothing kept/);
    const decision = await sidecar.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    assert.equal(decision.degraded, false);
    assert.match(decision.call_id, /^[0-9a-f-]{36}$/, 'a call without an id gets one');
  });

  test('buf curl works by reflection, with no files at hand', async () => {
    const curl = async (method: string, data: object) => {
      const { stdout } = await promisify(execFile)(
        BUF,
        [
          'curl',
          '--protocol',
          'grpc',
          '--http2-prior-knowledge',
          '-d',
          JSON.stringify(data),
          `http://${sidecar.address}/${method}`,
        ],
        { cwd: folder },
      );
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const call = {
      agent_id: 'a',
      estimated_cost: 0.0043,
      labels: { tier: 'gold' },
      timestamp: '2026-03-01T14:23:01.847Z',
    };
    const decision = await curl('tollgate.v1.Tollgate/Authorize', call);
    assert.equal(decision['verdict'], 'VERDICT_ALLOW');
    const inspected = await curl('tollgate.v1.Tollgate/Inspect', { call });
    assert.equal((inspected['decision'] as Record<string, unknown>)['verdict'], 'VERDICT_ALLOW');
    assert.deepEqual(
      await curl('grpc.health.v1.Health/Check', { service: 'tollgate.v1.Tollgate' }),
      { status: 'SERVING' },
    );
  });

  test('two scrapers at once both see a counter begin at 0', async () => {
    await sidecar.channel.authorize({ agent_id: 'a', tool: 'scraped' }, TIMEOUT_MS);
    const scrape = async (agent: string) => {
      const text = await (await sidecar.ops('/metrics', { 'user-agent': agent })).text();
      return /^tollgate_calls_total\{.*tool="scraped".*\} (\d+)$/m.exec(text)?.[1];
    };
    const both = () => Promise.all(['Prometheus/1', 'Prometheus/2'].map(scrape));
    assert.deepEqual(
      [await both(), await both()],
      [
        ['0', '0'],
        ['1', '1'],
      ],
    );
  });

  test('a unix socket, and a stale one from a killed process', async () => {
    const path = join(folder, 'tollgate.sock');
    const listen = { TOLLGATE_LISTEN: `unix://${path}` };
    const first = await spawnSidecar(listen);
    const ask = async () => (await first.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS)).verdict;
    assert.equal(await ask(), 'VERDICT_ALLOW');
    assert.match(await problemOf(listen), /another process listens on/);
    first.child.kill('SIGKILL');
    await until('it to be gone', () => first.child.signalCode !== null);
    assert.ok(existsSync(path), 'the socket is left behind');
    const second = await startHere(listen);
    assert.equal(await ask(), 'VERDICT_ALLOW');
    await second.stop();
    await first.stop();
  });

  test('SIGTERM finishes the calls under way and exits 0', async () => {
    const { child, channel } = await spawnSidecar({});
    await channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    const outcomes: Promise<string>[] = [];
    for (let n = 0; n < 200; n += 1) {
      outcomes.push(channel.authorize({ agent_id: `a-${n}` }, TIMEOUT_MS).then((d) => d.verdict));
    }
    await outcomes[0];
    const stopped = endOf(child);
    child.kill('SIGTERM');
    const settled = await Promise.allSettled(outcomes);
    assert.equal(await stopped, 0);
    channel.close();
    const lost = settled.filter((outcome) => outcome.status === 'rejected');
    // Calls that reach it after the stop are refused as UNAVAILABLE; none is left hanging or cut.
    for (const { reason } of lost as PromiseRejectedResult[])
      assert.equal(reason.code, 14, String(reason));
  });

  test('SIGTERM ends a sidecar that still has idle connections and no Redis', async () => {
    const { child, channel } = await spawnSidecar({ REDIS_URL: 'redis://127.0.0.1:1' });
    const startedMs = performance.now();
    await channel.authorize({ agent_id: 'a', tool: 't' }, TIMEOUT_MS);
    const exit = endOf(child);
    child.kill('SIGTERM');
    assert.equal(await exit, 0);
    assert.ok(performance.now() - startedMs < 10_000);
    channel.close();
  });

  test('what would be unsafe or senseless is refused at the start, with what to do', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    after(() => busy.close());
    const port = (busy.address() as { port: number }).port;
    const badPolicy = join(folder, 'bad.yaml');
    writeFileSync(badPolicy, 'rules:\n  - id: x\n    action: blok\n');
    const cases: [Record<string, string>, RegExp][] = [
      [
        { TOLLGATE_LISTEN: '0.0.0.0:0' },
        /TOLLGATE_LISTEN is not on the loopback.*TOLLGATE_INSECURE=1/,
      ],
      [
        { TOLLGATE_LISTEN: 'nonsense' },
        /TOLLGATE_LISTEN: "nonsense" must be host:port or unix:\/\/\/path/,
      ],
      [{ TOLLGATE_LISTEN: `unix://${badPolicy}` }, /bad\.yaml exists and is no socket/],
      [{ REDIS_URL: 'redis://:p%zz@host:1' }, /REDIS_URL has a % in user or password/],
      [
        { TOLLGATE_REDIS_PASSWORD_FILE: '/does/not/exist' },
        /TOLLGATE_REDIS_PASSWORD_FILE: .* cannot be read/,
      ],
      [{ TOLLGATE_LISTEN: `127.0.0.1:${port}` }, /cannot listen on 127\.0\.0\.1/],
      [
        {
          TOLLGATE_LISTEN: '127.0.0.1:0',
          TOLLGATE_OPS_LISTEN: `127.0.0.1:${port}`,
          TOLLGATE_PAGE_LISTEN: 'off',
        },
        /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
      ],
      [{ REDIS_URL: 'http://x' }, /REDIS_URL must look like/],
      [
        { TOLLGATE_REDIS_MODE: 'many' },
        /TOLLGATE_REDIS_MODE: "many" must be one of single, sentinel, cluster/,
      ],
      [
        { TOLLGATE_POLICY: badPolicy },
        /the policy file is refused.*bad\.yaml:3:13: rules\[0\]\.action of "x"/s,
      ],
      [{ TOLLGATE_POLICY: '/does/not/exist' }, /cannot be read/],
    ];
    for (const [env, message] of cases) assert.match(await problemOf(env), message);
    assert.ok(existsSync(badPolicy), 'a file that is no socket is left alone');
    const secret = await problemOf({ REDIS_URL: 'redis://user:s3cret@host:1:2' });
    assert.doesNotMatch(secret, /s3cret/, 'a password is never repeated');
    // As a process says it, for a setting that is wrong and for a start that fails.
    for (const [env, message] of [
      [{ REDIS_URL: 'http://x' }, /REDIS_URL must look like/],
      [{ TOLLGATE_POLICY: '/does/not/exist' }, /cannot be read/],
    ] as const) {
      const { code, text } = await refusal(env);
      assert.match(text, message);
      assert.equal(code, 1);
    }
  });

  test('one that is meant for a fleet does not start on an engine of its own', async () => {
    const pinned = {
      TOLLGATE_AGENT_ID: 'a',
      TOLLGATE_TEAM_ID: 't',
      TOLLGATE_REQUIRE_IDENTITY: '1',
    };
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['--role', 'gate'], {}, /leave --role gate out$/m],
      [['--role', 'gate'], pinned, /leave --role gate and TOLLGATE_REQUIRE_IDENTITY out$/m],
      [[], pinned, /leave TOLLGATE_REQUIRE_IDENTITY out$/m],
    ];
    for (const [args, env, message] of cases) {
      const plain = { TOLLGATE_LOG_FORMAT: 'text', TOLLGATE_OPS_LISTEN: '127.0.0.1:0' };
      const { code, out, err } = await tollgate(['serve', ...args], { ...plain, ...env });
      assert.equal(code, 1, out + err);
      assert.match(out + err, /there is no REDIS_URL: limits would hold for this process alone/);
      assert.match(out + err, message);
    }
  });

  test('TOLLGATE_INSECURE=1 lets it leave the loopback', async () => {
    const { address, stop } = await startHere({
      TOLLGATE_LISTEN: '0.0.0.0:0',
      TOLLGATE_INSECURE: '1',
    });
    assert.match(formatListen(address ?? assert.fail()), /^0\.0\.0\.0:\d+$/);
    await stop();
  });

  test('an unknown setting is warned of', () => {
    const warned = sidecar.log.filter(({ msg }) => String(msg).includes('no setting of tollgate'));
    assert.deepEqual(
      warned.map(({ name }) => name),
      ['TOLLGATE_POLCY'],
    );
  });

  test('every line of the log is JSON, and a denial has a line with its call_id', async () => {
    for (let n = 0; n < 51; n += 1) {
      await sidecar.channel.authorize(
        { call_id: `call-${n}`, agent_id: 'looper', tool: 't' },
        TIMEOUT_MS,
      );
    }
    await until('the line of the denial', () =>
      sidecar.log.some(({ call_id: id }) => id === 'call-50'),
    );
    const line = sidecar.log.find(({ call_id: id }) => id === 'call-50');
    assert.equal(line?.['rule'], 'loop-detection');
    assert.equal(line?.['agent'], 'looper');
    assert.match(
      String(line?.['msg']),
      /^denied: loop-detection: agent=looper has used 50 of 50 calls/,
    );
  });
});

/** The code that it exits with. */
function endOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve));
}
