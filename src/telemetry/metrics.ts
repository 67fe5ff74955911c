import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { createFamilies, type Families } from './families.js';
import { fleetMetrics } from './fleet-metrics.js';
import { gateMetrics } from './gate-metrics.js';
import { keeperMetrics } from './keeper-metrics.js';
import { createScrapers } from './scrapers.js';
import { VERSION } from './version.js';

/** How metrics are bounded, and of which roles they are shown. */
export interface MetricsOptions {
  readonly roles: readonly ('gate' | 'keeper')[];
  /** The most series of each family of a gate whose labels come from agents; likewise of a keeper. */
  readonly gateSeries: number;
  readonly keeperSeries: number;
}

const DEFAULTS: MetricsOptions = {
  roles: ['gate', 'keeper'],
  gateSeries: 200,
  keeperSeries: 5_000,
};

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * The catalogue: every metric of the sidecar, in a registry of its own. What both roles have is in this file,
 * the rest in gate-metrics and keeper-metrics. Each help says what is counted in which unit, who has it, and
 * what it is for. Names are base units, as Prometheus asks. Call id, run, fingerprint and labels of calls are
 * never labels of a metric: there is no end to them.
 */
export function createMetrics(options: Partial<MetricsOptions> = {}) {
  const { roles, gateSeries, keeperSeries } = { ...DEFAULTS, ...options };
  const registry = new Registry();
  const scrapers = createScrapers();
  collectDefaultMetrics({ register: registry });
  /** Counted apart, since an agent that makes up names brings it about with each call. */
  const overflowed = new Map<string, number>();
  const overflow = (family: string, times: number) => {
    overflowed.set(family, (overflowed.get(family) ?? 0) + times);
  };
  new Counter({
    name: 'tollgate_series_overflow_total',
    help: 'Times that a family had its most series (TOLLGATE_GATE_SERIES, TOLLGATE_KEEPER_SERIES), so that something counted as "other", or was left out where it cannot be summed. Both roles; find out who makes up names.',
    labelNames: ['family'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [family, times] of overflowed) this.inc({ family }, times);
    },
  });
  const familiesOf = (role: MetricsOptions['roles'][number], maxSeries: number) => {
    // What another role has is kept, so that code need not ask, and not shown: it would only be noise.
    const shown = roles.includes(role);
    return shown
      ? createFamilies(registry, maxSeries, overflow, scrapers)
      : createFamilies(new Registry(), maxSeries, () => {}, scrapers);
  };
  const keeper = familiesOf('keeper', keeperSeries);
  const shared = createFamilies(registry, gateSeries, overflow, scrapers);
  return {
    registry,
    scrapers,
    ...sharedMetrics(shared, roles.join(' and ')),
    ...gateMetrics(familiesOf('gate', gateSeries)),
    ...keeperMetrics(keeper),
    ...fleetMetrics(keeper),
  };
}

/** What gates and keepers have alike: the program, the policy, and Redis as they find it. */
function sharedMetrics({ counter, counters, gauge, gauges, durations }: Families, role: string) {
  const buildInfo = gauges(
    'tollgate_build_info',
    'Always 1; the version of this program and its role. Both roles; tells whether a rollout is through.',
    ['version', 'role'],
    'drop',
  );
  const storeClockSteps = counters(
    'tollgate_store_clock_steps_total',
    'Jumps of the Redis clock: forward frees budget early, backward delays it. Of gates.',
    ['direction'],
  );
  // Known at 0, so that a first step is an increase.
  for (const direction of ['forward', 'backward']) storeClockSteps.inc({ direction }, 0);
  buildInfo.set([{ labels: { version: VERSION, role }, value: 1 }]);
  return {
    buildInfo,
    priceTableTimestamp: gauge(
      'tollgate_price_table_timestamp_seconds',
      'When the built-in table of prices was released, seconds since the Unix epoch. Both roles; an old one prices new models as the policy assumes.',
    ),
    policyReloadOk: gauge(
      'tollgate_policy_last_reload_successful',
      '1 if the policy file was good when it was read last, 0 if an older policy is in force. Both roles.',
    ),
    policyInfo: gauges(
      'tollgate_policy_info',
      'Always 1; the hash of the policy in force. Both roles; different ones for long are drift.',
      ['hash'],
      'drop',
    ),
    storeUp: gauge(
      'tollgate_store_up',
      '1 while a Redis connection is ready, else 0. Both roles; without it gates decide by failure modes, and no ledger is summed up.',
    ),
    storeDuration: durations(
      'tollgate_store_duration_seconds',
      'Seconds of one Redis round trip that brought a reply, by script. Of gates; a decision is one of these.',
      ['command'],
    ),
    storeFailures: counters(
      'tollgate_store_failures_total',
      'Redis round trips without an answer, by reason. Of gates; deadline and overloaded are the doing of callers, the others of Redis.',
      ['reason'],
    ),
    storeCanEvict: gauge(
      'tollgate_store_can_evict',
      '1 if maxmemory-policy is not noeviction, so that Redis may forget spend, else 0. Whoever watches Redis.',
    ),
    storeEvictedKeys: gauge(
      'tollgate_store_evicted_keys',
      'Keys that Redis has evicted since it started (INFO evicted_keys), over all masters. Whoever watches Redis; each may be a window with its spend.',
    ),
    storeResets: counter(
      'tollgate_store_resets_total',
      'Times that Redis was found flushed, replaced or restored, also from a snapshot: windows and spend were lost. Whoever watches Redis.',
    ),
    storeClockSteps,
  };
}
