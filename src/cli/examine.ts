import { randomUUID } from 'node:crypto';
import { formatRedisAddress, type RedisAddress } from '../redis/address.js';
import { type Connection, openConnection } from '../redis/connection.js';
import { monotonicMs } from '../redis/deadline.js';
import { loadScripts } from '../redis/scripts.js';
import type { Settings } from '../settings.js';
import { bornKey, recordKey, windowKey } from '../store/keys.js';
import { parseInfo } from '../store/monitor.js';
import type { Question } from '../store/question.js';
import { createStore } from '../store/store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { isLocal } from '../wire/listen.js';

const CONNECT_MS = 3_000;
const COMMAND_MS = 2_000;
const ROUND_TRIPS = 21;

/** Half of the decision's deadline: past it, a busy moment makes decisions degraded. */
const SLOW_MS = 25;

/** What one check found; `fix` says what to do where it is not good. */
export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  readonly what: string;
  readonly fix?: string;
}

/** Connects to a Redis as a sidecar would, and looks at whatever could hurt it. */
export async function examine(settings: Settings, address: RedisAddress): Promise<Finding[]> {
  const name = formatRedisAddress(address);
  const { connection, problem } = await connect(settings, address);
  try {
    if (problem !== undefined) {
      return [
        { state: 'fail', what: `${name} is not reachable: ${problem}`, fix: connectFix(problem) },
      ];
    }
    return [
      { state: 'ok', what: `${name} is reachable (${address.mode})` },
      transport(address),
      ...(await server(connection)),
      ...(await scripts(connection)),
    ];
  } finally {
    connection.close();
  }
}

async function connect(
  settings: Settings,
  address: RedisAddress,
): Promise<{ connection: Connection; problem: string | undefined }> {
  let answer = (_problem: string | undefined) => {};
  const first = new Promise<string | undefined>((resolve) => {
    answer = resolve;
    setTimeout(() => resolve(`no answer in ${CONNECT_MS} ms`), CONNECT_MS).unref();
  });
  const connection = openConnection({
    address,
    sentinelMaster: settings.sentinelMaster,
    passwordFile: settings.redisPasswordFile,
    scripts: loadScripts(),
    onPasswordProblem: (why) => answer(`the password file cannot be read: ${why}`),
    onUp: () => answer(undefined),
    // A sidecar would try for ever; here the first failure is the finding.
    onDown: (why) => answer(why),
  });
  return { connection, problem: await first };
}

function connectFix(problem: string): string {
  if (/password file/.test(problem))
    return 'correct TOLLGATE_REDIS_PASSWORD_FILE, or the rights of the file';
  if (/WRONGPASS|NOAUTH/.test(problem)) {
    return 'correct the user and password in REDIS_URL or TOLLGATE_REDIS_PASSWORD_FILE';
  }
  if (/certificate/.test(problem)) {
    return 'name the file with the CA that signed it in NODE_EXTRA_CA_CERTS';
  }
  if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(problem))
    return 'correct host and port in REDIS_URL, or start Redis';
  if (/cluster support disabled/.test(problem)) return 'set TOLLGATE_REDIS_MODE=single';
  if (/sentinel/i.test(problem))
    return 'correct TOLLGATE_REDIS_SENTINEL_MASTER and the sentinels in REDIS_URL';
  return 'look at the network between here and Redis; with TLS the URL begins with rediss://';
}

function transport(address: RedisAddress): Finding {
  if (address.tls) return { state: 'ok', what: 'the connection is encrypted (TLS)' };
  if (address.path !== undefined || address.nodes.every((node) => isLocal(node))) {
    return { state: 'ok', what: 'the connection stays on this machine' };
  }
  return {
    state: 'warn',
    what: 'the connection leaves this machine without TLS',
    fix: 'use rediss:// where the network is not trusted',
  };
}

async function server(connection: Connection): Promise<Finding[]> {
  let texts: string[];
  try {
    texts = (await withTimeout(connection.onEveryMaster('INFO'))).map(String);
  } catch (error) {
    return [
      { state: 'fail', what: `INFO fails: ${messageOf(error)}`, fix: 'allow the ACL user +info' },
    ];
  }
  return texts.flatMap((text) => {
    const info = parseInfo(text);
    return [
      version(info.version),
      eviction(info.maxmemoryPolicy, info.evictedKeys),
      persistence(text),
      mode(text, connection),
    ];
  });
}

function version(found: string): Finding {
  return Number(found.split('.')[0]) >= 7
    ? { state: 'ok', what: `version ${found}` }
    : {
        state: 'fail',
        what: `version ${found} is too old`,
        fix: 'use Redis 7.0 or newer, or Valkey',
      };
}

function eviction(policy: string | undefined, evictedKeys: number): Finding {
  if (policy !== undefined && policy !== 'noeviction') {
    return {
      state: 'fail',
      what: `maxmemory-policy is ${policy}: Redis may evict windows, and so forget spend (${evictedKeys} keys evicted so far)`,
      fix: 'set maxmemory-policy to noeviction',
    };
  }
  return { state: 'ok', what: `maxmemory-policy is ${policy ?? 'not reported'}` };
}

function persistence(info: string): Finding {
  if (/^aof_enabled:1/m.test(info)) return { state: 'ok', what: 'the append-only file is on' };
  return {
    state: 'warn',
    what: 'the append-only file is off: a restart of Redis forgets spend since its last snapshot',
    fix: 'set appendonly to yes',
  };
}

function mode(info: string, connection: Connection): Finding {
  const cluster = /^(redis_mode|server_mode):cluster/m.test(info);
  if (cluster === (connection.address.mode === 'cluster')) {
    return {
      state: 'ok',
      what: `the mode is ${cluster ? 'cluster' : 'not cluster'}, as TOLLGATE_REDIS_MODE says`,
    };
  }
  return {
    state: 'fail',
    what: `this Redis is ${cluster ? '' : 'not '}a cluster, and TOLLGATE_REDIS_MODE is ${connection.address.mode}`,
    fix: `set TOLLGATE_REDIS_MODE=${cluster ? 'cluster' : 'single'}`,
  };
}

/** Runs every script for real, and times the round trip. */
async function scripts(connection: Connection): Promise<Finding[]> {
  const domain = `doctor-${randomUUID()}`;
  const store = createStore(connection, createMetrics());
  const question: Question = {
    domain,
    agent: 'doctor',
    callId: 'doctor',
    attempt: 'doctor',
    digest: 'doctor',
    mode: 'decide',
    windows: [
      {
        rule: 'doctor',
        shape: '0',
        partition: 'all',
        kind: 'block',
        amount: 1,
        limit: 1,
        span: { windowUs: 1e6 },
        thresholds: [],
      },
    ],
  };
  const soon = () => monotonicMs() + COMMAND_MS;
  const findings: Finding[] = [];
  try {
    for (const script of ['authorize', 'inspect'] as const) {
      const answer = await store.ask(script, question, soon());
      if ('failed' in answer) return [scriptFailure(script, answer.failed)];
    }
    const roundTripsMs: number[] = [];
    for (let i = 0; i < ROUND_TRIPS; i += 1) {
      const startedMs = monotonicMs();
      await store.ask('inspect', question, soon());
      roundTripsMs.push(monotonicMs() - startedMs);
    }
    const released = await store.release(question, soon());
    if ('failed' in released) return [scriptFailure('release', released.failed)];
    findings.push({ state: 'ok', what: 'the scripts run' }, roundTrip(roundTripsMs));
  } finally {
    for (const key of [
      recordKey(domain, 'doctor', 'doctor'),
      windowKey(domain, 'doctor', '0', 'all'),
      bornKey(domain),
    ]) {
      await withTimeout(connection.command('DEL', key)).catch((error) =>
        findings.push({
          state: 'warn',
          what: `${key} could not be removed: ${messageOf(error)}`,
          fix: 'it has a TTL; allow the ACL user +del',
        }),
      );
    }
  }
  return findings;
}

function scriptFailure(script: string, reason: string): Finding {
  const fixes: Record<string, string> = {
    denied: 'give the ACL user ~tg:* +eval +evalsha +time +mget +get +set +del +info',
    oom: 'raise maxmemory: Redis is full and refuses to write',
    readonly: 'point REDIS_URL at the master, or use TOLLGATE_REDIS_MODE=sentinel',
  };
  return {
    state: 'fail',
    what: `the script ${script} fails: ${reason}`,
    fix: fixes[reason] ?? 'see the log of Redis',
  };
}

function roundTrip(samplesMs: readonly number[]): Finding {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const what = `a decision takes ${median.toFixed(1)} ms there and back (median of ${sorted.length}, longest ${(sorted.at(-1) ?? 0).toFixed(1)} ms)`;
  return median < SLOW_MS
    ? { state: 'ok', what }
    : { state: 'warn', what, fix: 'bring Redis closer: the deadline of a decision is 50 ms' };
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${COMMAND_MS} ms`)), COMMAND_MS);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
