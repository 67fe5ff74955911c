import { readLineageKeys } from './guard/lineage-keys.js';
import { EVERYONE } from './model/halt.js';
import type { Identity } from './model/settlement.js';
import { MAX_TEXT_BYTES, textProblem } from './model/text.js';
import type { RedisAccess } from './redis/access.js';
import type { RedisAddress } from './redis/address.js';
import { readRedisEnvironment } from './redis/environment.js';
import { LOG_LEVELS, type LogLevel } from './telemetry/log.js';
import type { TlsFiles } from './wire/certificates.js';
import { type ListenAddress, parseListen } from './wire/listen.js';
import { reachProblems, readTls } from './wire/reach.js';

/** One environment variable: its default, and why it is there. The README's table says the same. */
export const SETTINGS = {
  TOLLGATE_LISTEN: {
    default: '127.0.0.1:7400',
    why: 'Where agents call: host:port, or unix:///path. Loopback, since whoever reaches it can spend.',
  },
  TOLLGATE_OPS_LISTEN: {
    default: '0.0.0.0:7401',
    why: 'Where /metrics, /livez and /readyz are: on the pod IP, for Prometheus and the kubelet.',
  },
  TOLLGATE_PAGE_LISTEN: {
    default: '127.0.0.1:7402',
    why: "Where a keeper's page is, for people with a browser. Loopback, since it names agents and money; off shows none.",
  },
  TOLLGATE_INSECURE: {
    default: '',
    why: '1 lets TOLLGATE_LISTEN leave the loopback without TLS, or without asking clients for a certificate.',
  },
  TOLLGATE_TLS_CERT_FILE: {
    default: '',
    why: 'The certificate of a gate that others reach, and what leads to its CA; then agents speak TLS. Read anew when it changes, as are the next two.',
  },
  TOLLGATE_TLS_KEY_FILE: { default: '', why: 'Its key.' },
  TOLLGATE_TLS_CLIENT_CA_FILE: {
    default: '',
    why: 'The CA of the agents: who has no certificate of it gets no connection (mTLS).',
  },
  TOLLGATE_POLICY: {
    default: '',
    why: 'The policy file, watched for changes. Without it, the starter policy: $50 a day and 50 tool calls a minute for each agent.',
  },
  REDIS_URL: {
    default: '',
    why: 'The Redis that the fleet shares: redis://, rediss:// (TLS) or unix:///path; several hosts with commas. Without it, an embedded engine: one process, not shared, nothing kept; so a gate or keeper alone does not start, nor one that requires an identity.',
  },
  TOLLGATE_REDIS_MODE: {
    default: 'single',
    why: 'single, sentinel or cluster: what REDIS_URL names.',
  },
  TOLLGATE_REDIS_SENTINEL_MASTER: {
    default: 'mymaster',
    why: 'The name of the master that the sentinels watch.',
  },
  TOLLGATE_REDIS_USERNAME: {
    default: '',
    why: 'The ACL user; it wins over that of REDIS_URL. The rights of gates, keepers and readers are in k8s/acl.',
  },
  TOLLGATE_REDIS_PASSWORD_FILE: {
    default: '',
    why: 'A file with the Redis password, read at every connect, so that it can be rotated.',
  },
  TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: {
    default: '',
    why: 'The same for the password of the sentinels, which have one of their own, or none.',
  },
  TOLLGATE_REDIS_CA_FILE: {
    default: '',
    why: 'The CA that has signed the certificate of Redis (and of its sentinels), read at every connect. Without it, those that Node trusts.',
  },
  TOLLGATE_REDIS_CERT_FILE: {
    default: '',
    why: 'The certificate that Tollgate shows to a Redis that asks for one; with TOLLGATE_REDIS_KEY_FILE, and likewise read anew.',
  },
  TOLLGATE_REDIS_KEY_FILE: { default: '', why: 'The key of that certificate.' },
  TOLLGATE_REDIS_SERVER_NAME: {
    default: '',
    why: 'The name that is asked for (SNI) and that the certificate of Redis must have, where that is not the host: a Cluster whose nodes tell their addresses, a tunnel.',
  },
  TOLLGATE_AGENT_ID: {
    default: '',
    why: 'The agent that this pod is: a request that claims another is refused, and one that names none is its.',
  },
  TOLLGATE_TEAM_ID: { default: '', why: 'The team that this pod is of, likewise.' },
  TOLLGATE_COST_CENTRE: { default: '', why: 'The cost centre that pays for this pod, likewise.' },
  TOLLGATE_INSTANCE: {
    default: '',
    why: 'The name of this pod, likewise. All four come from its labels and name, by the downward API.',
  },
  TOLLGATE_REQUIRE_IDENTITY: {
    default: '',
    why: '1 refuses to start a gate without TOLLGATE_AGENT_ID and TOLLGATE_TEAM_ID.',
  },
  TOLLGATE_DECISION_MS: {
    default: '50',
    why: 'The longest that a decision may wait for Redis, in ms; the deadline of the caller shortens it. More where Redis is far away: every call waits as long when it is gone.',
  },
  TOLLGATE_LINEAGE_KEY: {
    default: '',
    why: 'Signs the lineage tokens of the fleet, at least 32 characters, the same everywhere. With it, run, root agent and depth come only from signed tokens, and a run that is named without one is one of its own agent alone; without it, every token is believed.',
  },
  TOLLGATE_LINEAGE_KEY_FILE: {
    default: '',
    why: 'The same in a file, which no environment shows. A line each: the first signs, the others are believed too, so that a key can be changed. Read at the start.',
  },
  TOLLGATE_LEDGER_SINK: {
    default: '',
    why: 'Where the keeper also writes every entry of the ledger, as a line of JSON each: stdout, or a file that one keeper appends to.',
  },
  TOLLGATE_GATE_SERIES: {
    default: '200',
    why: 'The most series of each metric of a gate that has agents, tools or models for labels; more count as "other".',
  },
  TOLLGATE_KEEPER_SERIES: {
    default: '5000',
    why: 'The same for each metric of the keeper; the largest stay.',
  },
  TOLLGATE_LOG_LEVEL: {
    default: 'info',
    why: 'debug (a line for each decision), info (a line for each denial), warn, error or silent.',
  },
  TOLLGATE_LOG_FORMAT: {
    default: 'auto',
    why: 'json or text; auto is text on a terminal and json elsewhere.',
  },
  TOLLGATE_ADDRESS: {
    default: '127.0.0.1:7400',
    why: 'Where the commands authorize and replay find the sidecar: host:port, tls://host:port or unix:///path.',
  },
  TOLLGATE_CLIENT_CA_FILE: {
    default: '',
    why: "The CA of the sidecar's certificate, for tls://; without it, those that the system trusts.",
  },
  TOLLGATE_CLIENT_CERT_FILE: {
    default: '',
    why: 'The certificate of the client itself, for a sidecar that asks for one (mTLS).',
  },
  TOLLGATE_CLIENT_KEY_FILE: { default: '', why: 'Its key.' },
} as const satisfies Record<string, { default: string; why: string }>;

/** Fewer tell nobody apart; more are what Prometheus itself suffers from. */
const MIN_SERIES = 10;
const MAX_SERIES = 100_000;

/** Under 10 ms a healthy Redis is late now and then; over 5 s agents hang that nobody has told to. */
const MIN_DECISION_MS = 10;
const MAX_DECISION_MS = 5_000;

export type SettingName = keyof typeof SETTINGS;
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of `serve`, checked. */
export interface Settings {
  readonly listen: ListenAddress;
  /** undefined speaks plainly. */
  readonly tls: TlsFiles | undefined;
  readonly opsListen: ListenAddress;
  /** undefined shows no page. */
  readonly pageListen: ListenAddress | undefined;
  /** undefined is the starter policy. */
  readonly policyFile: string | undefined;
  /** undefined is the embedded engine. */
  readonly redis: RedisAddress | undefined;
  readonly redisAccess: RedisAccess;
  /** Whom a gate is pinned to; '' is not pinned. */
  readonly identity: Identity;
  /** A gate does not start unless its agent and team are pinned. */
  readonly identityRequired: boolean;
  /** The first signs; without any nothing is signed. */
  readonly lineageKeys: readonly string[];
  /** `stdout` or a file; '' writes none. */
  readonly ledgerSink: string;
  /** How long a decision may take, in ms. */
  readonly decisionMs: number;
  /** The most series of each metric of a gate, and of a keeper, that has labels of agents. */
  readonly gateSeries: number;
  readonly keeperSeries: number;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'text';
}

/** What one variable is set to, or its default. */
export function setting(env: Environment, name: SettingName): string {
  return env[name] || SETTINGS[name].default;
}

/** Reads the environment: the settings, or every variable that is wrong. */
export function readSettings(env: Environment): Settings | { problems: string[] } {
  const problems: string[] = [];
  const listen = checked('TOLLGATE_LISTEN', parseListen);
  const opsListen = checked('TOLLGATE_OPS_LISTEN', parseListen);
  const pageOff = setting(env, 'TOLLGATE_PAGE_LISTEN') === 'off';
  const pageListen = pageOff ? undefined : checked('TOLLGATE_PAGE_LISTEN', parseListen);
  const tls = readTls(env, problems);
  if (listen) problems.push(...reachProblems(listen, tls, env['TOLLGATE_INSECURE'] === '1'));
  const redis = readRedisEnvironment((name) => setting(env, name));
  problems.push(...redis.problems);
  const lineageKeys = readLineageKeys(env, problems);
  const logLevel = oneOf('TOLLGATE_LOG_LEVEL', LOG_LEVELS);
  const format = oneOf('TOLLGATE_LOG_FORMAT', ['auto', 'json', 'text'] as const);
  const identity = {
    agent: pinnedText('TOLLGATE_AGENT_ID'),
    team: pinnedText('TOLLGATE_TEAM_ID'),
    costCentre: pinnedText('TOLLGATE_COST_CENTRE'),
    instance: pinnedText('TOLLGATE_INSTANCE'),
  };
  if (identity.agent === EVERYONE) {
    problems.push(`TOLLGATE_AGENT_ID: must not be ${EVERYONE}, which means every agent`);
  }
  const decisionMs = wholeOf('TOLLGATE_DECISION_MS', MIN_DECISION_MS, MAX_DECISION_MS);
  const gateSeries = wholeOf('TOLLGATE_GATE_SERIES', MIN_SERIES, MAX_SERIES);
  const keeperSeries = wholeOf('TOLLGATE_KEEPER_SERIES', MIN_SERIES, MAX_SERIES);
  if (problems.length > 0 || !listen || !opsListen || !logLevel) return { problems };
  return {
    listen,
    tls,
    opsListen,
    pageListen,
    policyFile: env['TOLLGATE_POLICY'] || undefined,
    redis: redis.address,
    redisAccess: redis.access,
    identity,
    identityRequired: env['TOLLGATE_REQUIRE_IDENTITY'] === '1',
    lineageKeys,
    ledgerSink: setting(env, 'TOLLGATE_LEDGER_SINK'),
    decisionMs,
    gateSeries,
    keeperSeries,
    logLevel,
    logFormat: format === 'json' || (format === 'auto' && !process.stdout.isTTY) ? 'json' : 'text',
  };

  function checked<T extends object>(
    name: SettingName,
    parse: (text: string) => T | string,
  ): T | undefined {
    const parsed = parse(setting(env, name));
    if (typeof parsed !== 'string') return parsed;
    problems.push(`${name}: ${parsed}`);
    return undefined;
  }

  function pinnedText(name: SettingName): string {
    const text = setting(env, name);
    const problem = textProblem(text, MAX_TEXT_BYTES);
    if (problem) problems.push(`${name}: ${problem}`);
    return text;
  }

  function wholeOf(name: SettingName, least: number, most: number): number {
    const number = Number(setting(env, name));
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    problems.push(`${name}: must be a whole number from ${least} to ${most}`);
    return least;
  }

  function oneOf<T extends string>(name: SettingName, values: readonly T[]): T | undefined {
    const value = values.find((known) => known === setting(env, name));
    if (value === undefined) {
      problems.push(`${name}: "${setting(env, name)}" must be one of ${values.join(', ')}`);
    }
    return value;
  }
}

/** Variables that look like settings and are none: a typing mistake that would go unnoticed. */
export function unknownSettings(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) =>
      name.startsWith('TOLLGATE_') &&
      !Object.hasOwn(SETTINGS, name) &&
      // Kubernetes sets these for a Service that is called tollgate.
      !/^TOLLGATE_(\w+_)?(SERVICE_(HOST|PORT)\w*|PORT(_\w+)?)$/.test(name),
  );
}
