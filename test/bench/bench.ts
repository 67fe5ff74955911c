/**
 * npm run bench: what a decision costs, beside a bare grpc-js echo and plain INCRBY+EXPIRE in the
 * same rounds. Prints a table; test/bench/README.md says how to read it.
 * usage: bench.js [--rounds N] [--seconds N]
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { openChannel } from '../../src/client/channel.js';
import { freePort, startRedis } from '../support/redis.js';
import { writeScratch } from '../support/scratch.js';
import { MAIN } from '../support/sidecar.js';
import { until } from '../support/until.js';
import { measureLedger } from './ledger.js';
import { cpuSeconds, residentMb } from './process.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
  },
});
const CONCURRENCY = [1, 16, 64];

/** Rules that never deny here. */
const RULES = [
  '  - { id: calls, action: block, rateLimit: { limit: 900000000000, window: 60 } }',
  '  - { id: money, action: block, rateLimit: { metric: estimated_cost_usd, limit: 9000000, window: 24h } }',
  '  - { id: tokens, action: block, rateLimit: { metric: tokens, limit: 900000000000, window: 1h } }',
];
/** A rule that denies everything but the first call of each agent, as a runaway agent meets it. */
const DENYING = 'rules:\n  - { id: calls, action: block, rateLimit: { limit: 1, window: 24h } }\n';

interface Sample {
  perSecond: number;
  p50: number;
  p99: number;
  serverUs: number;
  redisUs: number;
}

interface Contender {
  readonly name: string;
  readonly load: (concurrency: number) => string[];
  /** The process whose CPU and memory count; none for plain Redis. */
  readonly pid: number | undefined;
  readonly samples: Map<number, Sample[]>;
}

function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

const stops: (() => unknown)[] = [];
const redis = await startRedis();
const redisPid = Number(/process_id:(\d+)/.exec(await redis.client.info('server'))?.[1]);
const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
stops.push(() => rmSync(folder, { recursive: true }));
const contenders: Contender[] = [];

const echo = spawn(process.execPath, [script('echo')], { stdio: ['ignore', 'pipe', 'inherit'] });
const echoPort = await new Promise<number>((resolve) => {
  echo.stdout.once('data', (line) => resolve((JSON.parse(String(line)) as { port: number }).port));
});
stops.push(() => echo.kill());
contenders.push({
  name: 'bare grpc-js echo',
  load: (c) => ['grpc', `127.0.0.1:${echoPort}`, String(c), values.seconds],
  pid: echo.pid,
  samples: new Map(),
});
let settling = { address: '', domain: '' };
for (const [name, policy, settled] of [
  ['tollgate, 1 limit', `domain: one\nrules:\n${RULES.slice(0, 1).join('\n')}\n`, false],
  ['tollgate, 3 limits', `domain: three\nrules:\n${RULES.join('\n')}\n`, false],
  ['tollgate, 3 limits, and settled', `domain: settled\nrules:\n${RULES.join('\n')}\n`, true],
  ['tollgate, denied', `domain: denied\n${DENYING}`, false],
] as const) {
  const [port, opsPort] = [await freePort(), await freePort()];
  const sidecar = spawn(process.execPath, [MAIN, 'serve', '--role', 'gate'], {
    // Its log is written, as in service, but read by nobody.
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      REDIS_URL: redis.url,
      TOLLGATE_POLICY: writeScratch(folder, policy),
      TOLLGATE_LISTEN: `127.0.0.1:${port}`,
      TOLLGATE_OPS_LISTEN: `127.0.0.1:${opsPort}`,
      TOLLGATE_PAGE_LISTEN: 'off',
    },
  });
  await until('the sidecar to be ready', () =>
    fetch(`http://127.0.0.1:${opsPort}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  stops.push(() => sidecar.kill());
  contenders.push({
    name,
    load: (c) => [settled ? 'pair' : 'grpc', `127.0.0.1:${port}`, String(c), values.seconds],
    pid: sidecar.pid,
    samples: new Map(),
  });
  if (settled) settling = { address: `127.0.0.1:${port}`, domain: 'settled' };
}
for (const limits of [1, 3]) {
  contenders.push({
    name: `plain INCRBY+EXPIRE, ${limits} limit${limits > 1 ? 's' : ''}`,
    load: (c) => ['plain', String(redis.port), String(c), values.seconds, String(limits)],
    pid: undefined,
    samples: new Map(),
  });
}

async function measure({ load, pid, samples }: Contender, concurrency: number): Promise<void> {
  const before = [pid === undefined ? 0 : cpuSeconds(pid), cpuSeconds(redisPid)] as const;
  const { stdout } = await promisify(execFile)(process.execPath, [
    script('load'),
    ...load(concurrency),
  ]);
  const seen = JSON.parse(stdout) as { calls: number; degraded: number; p50: number; p99: number };
  if (seen.degraded > 0) console.error(`${seen.degraded} of ${seen.calls} decisions were degraded`);
  const used = [pid === undefined ? 0 : cpuSeconds(pid), cpuSeconds(redisPid)] as const;
  const perCallUs = (i: 0 | 1) => ((used[i] - before[i]) * 1e6) / seen.calls;
  samples.set(concurrency, [
    ...(samples.get(concurrency) ?? []),
    {
      perSecond: seen.calls / Number(values.seconds),
      p50: seen.p50,
      p99: seen.p99,
      serverUs: perCallUs(0),
      redisUs: perCallUs(1),
    },
  ]);
}

// The first round warms the processes up and is thrown away; the others take turns.
for (let round = 0; round <= Number(values.rounds); round += 1) {
  for (const contender of contenders) {
    for (const concurrency of CONCURRENCY) await measure(contender, concurrency);
    if (round === 0) contender.samples.clear();
  }
  console.error(`round ${round} of ${values.rounds}`);
}

function median(samples: Sample[], of: keyof Sample): number {
  const sorted = samples.map((sample) => sample[of]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

console.log(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), medians of ${values.rounds} rounds of ${values.seconds} s\n`,
);
console.log(
  '| | calls at once | per second | p50 ms | p99 ms | server CPU µs | Redis CPU µs | resident MB |',
);
console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
for (const { name, pid, samples } of contenders) {
  const memory = pid === undefined ? '' : residentMb(pid).toFixed(0);
  for (const [concurrency, taken] of samples) {
    const cell = (of: keyof Sample, digits: number) => median(taken, of).toFixed(digits);
    console.log(
      `| ${name} | ${concurrency} | ${cell('perSecond', 0)} | ${cell('p50', 2)} | ${cell('p99', 2)} | ${pid === undefined ? '' : cell('serverUs', 0)} | ${name.includes('echo') ? '' : cell('redisUs', 1)} | ${memory} |`,
    );
  }
}

/** What one call with three limits leaves in Redis, with its keys, before and after it is settled. */
async function measureBytes(): Promise<string> {
  const channel = openChannel(settling.address);
  const call = { agent_id: 'bytes', call_id: 'b5f6d9c8-0d6f-4c1e-9a3e-0f6f3f0f9e11' };
  const asked = { ...call, model: 'gpt-4o', tokens_in: 1240, max_tokens_out: 500 };
  await channel.authorize(asked, 1_000);
  const prefix = `tg:{${settling.domain}}`;
  const bytesOf = async (pattern: string) => {
    const keys = await redis.client.keys(`${prefix}:${pattern}`);
    const sizes = await Promise.all(keys.map((key) => redis.client.memory('USAGE', key)));
    return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  };
  const record = `call:bytes:${call.call_id}`;
  const before = await bytesOf(record);
  await channel.settle({ ...call, tokens_in: 1240, tokens_out: 89 }, 1_000);
  const after = await bytesOf(record);
  channel.close();
  return `The record of a call with 3 limits: ${before} bytes before it is settled (75 min), ${after} after (10 min); its 3 windows, of one slice each: ${await bytesOf('w:*:agent=bytes')} bytes.`;
}

console.log(`\n${await measureBytes()}`);
console.log(`\n${await measureLedger(redis, redisPid)}`);
for (const stop of stops) await stop();
await redis.stop();
process.exit(0);
