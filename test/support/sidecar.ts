import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Channel, openChannel } from '../../src/client/channel.js';
import { NOBODY } from '../../src/guard/pin.js';
import type { RedisAddress } from '../../src/redis/address.js';
import type { Scripts } from '../../src/redis/scripts.js';
import type { Settings } from '../../src/settings.js';
import { type Sidecar, startSidecar } from '../../src/sidecar.js';
import { DECISION_MS } from '../../src/store/line.js';
import { createLog } from '../../src/telemetry/log.js';
import type { Metrics } from '../../src/telemetry/metrics.js';
import { formatListen } from '../../src/wire/listen.js';
import { accessHere, accessSettings } from './secured.js';
import { until } from './until.js';

export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/**
 * How long a decision may take. What faults do within the product's own time, faults/ shows; elsewhere a machine
 * that is busy makes no decision degraded.
 */
export const TEST_DECISION_MS = process.argv[1]?.includes('/faults/') ? DECISION_MS : 2_000;

/** A sidecar as a process of its own, and a channel to it. */
export interface SidecarProcess {
  readonly child: ChildProcess;
  readonly address: string;
  readonly channel: Channel;
  /** Its log so far, line by line. */
  readonly log: Record<string, unknown>[];
  metric(name: string, labels?: string): Promise<number>;
  ops(path: string, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<number | null>;
}

/**
 * Starts one on free ports and waits until it says that it is ready.
 * @param main another program that starts one
 */
export async function spawnSidecar(
  env: Record<string, string>,
  args: readonly string[] = [],
  main = MAIN,
): Promise<SidecarProcess> {
  const child = spawn(process.execPath, [main, 'serve', ...args], {
    env: {
      PATH: process.env['PATH'],
      TOLLGATE_LISTEN: '127.0.0.1:0',
      TOLLGATE_OPS_LISTEN: '127.0.0.1:0',
      TOLLGATE_PAGE_LISTEN: '127.0.0.1:0',
      TOLLGATE_DECISION_MS: String(TEST_DECISION_MS),
      TOLLGATE_LOG_FORMAT: 'json',
      // With both roles it needs the rights of both.
      ...accessSettings(args.includes('gate') ? 'gate' : 'keeper', env['REDIS_URL']),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const log: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) log.push(JSON.parse(line) as Record<string, unknown>);
  });
  const readyLine = () => log.find(({ msg }) => String(msg).startsWith('tollgate is ready'));
  await until('the sidecar to be ready', () => {
    if (child.exitCode !== null) throw new Error(`the sidecar has ended: ${JSON.stringify(log)}`);
    return readyLine() !== undefined;
  });
  const address = String(readyLine()?.['listen']);
  const opsAddress = String(readyLine()?.['ops']);
  const channel = openChannel(address);
  const ops = (path: string, headers = {}) => fetch(`http://${opsAddress}${path}`, { headers });
  return {
    child,
    address,
    channel,
    log,
    ops,
    async metric(name, labels = '') {
      // A new series shows 0 at its first scrape.
      await (await ops('/metrics')).text();
      return readMetric(await (await ops('/metrics')).text(), name, labels);
    },
    async stop() {
      channel.close();
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      return exit;
    },
  };
}

/** A sidecar in this process, for tests that bring their own scripts. */
export async function sidecarHere(
  redis: RedisAddress,
  policyFile: string | undefined,
  scripts?: Scripts,
  more: Partial<Settings> = {},
): Promise<{ sidecar: Sidecar; channel: Channel; stop(): Promise<void> }> {
  const { address, access } = accessHere('keeper', redis);
  const settings: Settings = {
    listen: { host: '127.0.0.1', port: 0 },
    opsListen: { host: '127.0.0.1', port: 0 },
    pageListen: undefined,
    policyFile,
    redis: address,
    redisAccess: access,
    identity: NOBODY,
    identityRequired: false,
    tls: undefined,
    lineageKeys: [],
    ledgerSink: '',
    decisionMs: TEST_DECISION_MS,
    gateSeries: 200,
    keeperSeries: 5_000,
    logLevel: 'silent',
    logFormat: 'json',
    ...more,
  };
  const sidecar = await startSidecar(settings, createLog('silent', 'json'), scripts);
  if (!sidecar.address) throw new Error('the sidecar does not listen');
  const channel = openChannel(formatListen(sidecar.address));
  return {
    sidecar,
    channel,
    async stop() {
      channel.close();
      await sidecar.stop();
    },
  };
}

/** What the second of two scrapes shows: at the first, a new series is 0. */
export async function scrapedTwice({ registry }: Metrics): Promise<string> {
  await registry.metrics();
  return registry.metrics();
}

/** The value of one series in the text that Prometheus scrapes; 0 if it is not there. */
export function readMetric(text: string, name: string, labels = ''): number {
  const line = text.split('\n').find((l) => l.startsWith(`${name}${labels} `));
  return line ? Number(line.slice(line.lastIndexOf(' ') + 1)) : 0;
}
