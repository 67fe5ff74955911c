import { openGate, type RedisOptions } from './gate.js';
import { followPolicy, type LivePolicy } from './policy/live.js';
import { STARTER_POLICY } from './policy/starter.js';
import { PRICE_TABLE } from './pricing/table.js';
import { formatRedisAddress } from './redis/address.js';
import { startEmbeddedRedis } from './redis/embedded.js';
import { loadScripts, type Scripts } from './redis/scripts.js';
import type { Settings } from './settings.js';
import { BATCH, EMBEDDED_BATCH } from './store/fold.js';
import { createLosses } from './store/losses.js';
import type { Logger } from './telemetry/log.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import { startApi } from './wire/api.js';
import { formatListen, type ListenAddress } from './wire/listen.js';
import { startOps } from './wire/ops.js';
import { startPage } from './wire/page.js';

/**
 * What a sidecar is: the gate decides calls beside an agent; the keeper sums up the ledger, once in a
 * fleet. Gates decide without a keeper.
 */
export const ROLES = ['gate', 'keeper'] as const;
export type Role = (typeof ROLES)[number];

/** A running sidecar. */
export interface Sidecar {
  /** Where agents call; undefined without the role of a gate. */
  readonly address: ListenAddress | undefined;
  readonly opsAddress: ListenAddress;
  /** Where the page of the keeper is; undefined without one. */
  readonly pageAddress: ListenAddress | undefined;
  readonly metrics: Metrics;
  /** Reads the policy file anew, as SIGHUP does. */
  reloadPolicy(): void;
  /** Finishes the calls under way and stops; within 10 s. */
  stop(): Promise<void>;
}

/** The sidecar could not start; the message says why, for people. */
export class StartError extends Error {}

/**
 * Puts the floors together and starts them.
 * @param scripts tests pass the scripts with another clock
 * @throws StartError
 */
export async function startSidecar(
  settings: Settings,
  log: Logger,
  scripts: Scripts = loadScripts(),
  roles: readonly Role[] = ROLES,
): Promise<Sidecar> {
  if (roles.includes('gate')) requireIdentity(settings);
  const { gateSeries, keeperSeries } = settings;
  const metrics = createMetrics({ roles, gateSeries, keeperSeries });
  metrics.priceTableTimestamp.set(Date.parse(PRICE_TABLE.date) / 1000);
  const policy = policyFor(settings, metrics, log);
  const stops: (() => unknown)[] = [policy.close];
  let ready = false;
  const stop = async () => {
    ready = false;
    for (const close of stops.toReversed()) await close();
  };
  try {
    const { redis, batch, close } = await findRedis(settings, scripts, roles, log);
    stops.push(close);
    const { opsListen, pageListen, listen } = settings;
    const alone = !roles.includes('gate');
    const losses = createLosses(metrics, log);
    const parts = { settings, redis, policy, batch, alone, losses, metrics, log };
    // Loaded here only: a gate starts sooner without it.
    const keeper = roles.includes('keeper')
      ? (await import('./keeper.js')).openKeeper(parts)
      : undefined;
    if (keeper) stops.push(keeper.close);
    const page =
      keeper &&
      pageListen &&
      (await startPage(pageListen, keeper.page).catch(cannotListen(pageListen)));
    if (page) stops.push(page.close);
    const gate = roles.includes('gate')
      ? await openGate(settings, redis, policy, losses, metrics, log)
      : undefined;
    if (gate) stops.push(gate.close);
    const ops = await startOps(opsListen, metrics, () => ready).catch(cannotListen(opsListen));
    stops.push(ops.close);
    const { tls, identity: pinned, decisionMs } = settings;
    const api =
      gate &&
      (await startApi({ listen, tls, guard: gate.guard, pinned, decisionMs, metrics, log }).catch(
        cannotListen(listen),
      ));
    if (api) stops.push(api.drain);
    ready = true;
    const { reload: reloadPolicy } = policy;
    return {
      ...{ address: api?.address, opsAddress: ops.address, pageAddress: page?.address },
      ...{ metrics, reloadPolicy, stop },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws StartError if calls could come from anybody though that is not wanted */
function requireIdentity({ identity, identityRequired }: Settings): void {
  const missing = [
    ...(identity.agent === '' ? ['TOLLGATE_AGENT_ID'] : []),
    ...(identity.team === '' ? ['TOLLGATE_TEAM_ID'] : []),
  ];
  if (!identityRequired || missing.length === 0) return;
  throw new StartError(
    `TOLLGATE_REQUIRE_IDENTITY is set without ${missing.join(' and ')}: requests could claim any identity; set what is missing from the labels of the pod (downward API)`,
  );
}

/** The Redis of the settings, or one in this process. */
async function findRedis(
  settings: Settings,
  scripts: Scripts,
  roles: readonly Role[],
  log: Logger,
): Promise<{ redis: RedisOptions; batch: number; close(): unknown }> {
  if (!settings.redis) refuseAlone(settings, roles);
  const embedded = settings.redis ? undefined : await startEmbeddedRedis();
  const address = embedded?.address ?? settings.redis;
  if (!address) throw new StartError('there is no Redis to connect to');
  if (!embedded) log.info({ redis: formatRedisAddress(address) }, 'using the Redis of the fleet');
  const redis: RedisOptions = {
    address,
    access: settings.redisAccess,
    scripts: embedded ? embedded.adapt(scripts) : scripts,
    onFileProblem: (what, why) => {
      log.error(
        { why },
        `${what} cannot be used: what was read before is used, until that is mended`,
      );
    },
  };
  const batch = embedded ? EMBEDDED_BATCH : BATCH;
  return { redis, batch, close: () => embedded?.close() };
}

/** @throws StartError where an engine of its own would only look like the Redis of a fleet */
function refuseAlone({ identityRequired }: Settings, roles: readonly Role[]): void {
  if (!roles.includes('gate')) {
    throw new StartError('a keeper needs the Redis that its gates share: set REDIS_URL');
  }
  const inFleet = [
    ...(roles.includes('keeper') ? [] : ['--role gate']),
    ...(identityRequired ? ['TOLLGATE_REQUIRE_IDENTITY'] : []),
  ].join(' and ');
  if (inFleet === '') return;
  throw new StartError(
    `there is no REDIS_URL: limits would hold for this process alone, each pod would spend them anew, and a restart would forget them; set REDIS_URL to the Redis of the fleet, or, to try it on one machine, leave ${inFleet} out`,
  );
}

function policyFor(settings: Settings, metrics: Metrics, log: Logger): LivePolicy {
  const file = settings.policyFile ?? STARTER_POLICY;
  const policy = followPolicy(file, metrics, log);
  if (!('errors' in policy)) return policy;
  // At the start there is no older policy to keep, so a bad file stops it.
  const lines = policy.errors.map((e) => `  ${file}:${e.line}:${e.column}: ${e.message}`);
  throw new StartError(`the policy file is refused:\n${lines.join('\n')}`);
}

function cannotListen(address: ListenAddress): (error: unknown) => never {
  return (error) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new StartError(`cannot listen on ${formatListen(address)}: ${message}`);
  };
}
