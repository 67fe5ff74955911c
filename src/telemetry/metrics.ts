import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { fleetMetrics, type GaugeFamilies } from './fleet-metrics.js';

/** From below one Redis round trip to well past the 50 ms deadline. */
const DURATION_BUCKETS_S = [
  0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.075, 0.15, 0.5,
];

/** Even around 1, and to ten times either way. */
const RATIO_BUCKETS = [0.1, 0.25, 0.5, 0.8, 0.95, 1, 1.05, 1.25, 2, 4, 10];

export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric of the sidecar, in a registry of its own. Names are base units, as Prometheus asks. */
export function createMetrics() {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const duration = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram({ name, help, labelNames, registers, buckets: DURATION_BUCKETS_S });

  const ratio = (name: string, help: string) =>
    new Histogram({ name, help, registers, buckets: RATIO_BUCKETS });

  const gauges: GaugeFamilies['gauges'] = (name, help, labels) => {
    const family = gauge(name, help, labels);
    return {
      set(rows) {
        family.reset();
        for (const { labels: of, value } of rows) family.set({ ...of }, value);
      },
    };
  };

  return {
    registry,
    ...fleetMetrics({ gauge, gauges }),
    decisions: counter(
      'tollgate_decisions_total',
      'Decisions, by verdict and by the rule that denied (none for an allowed call, halt for an agent that is halted).',
      ['verdict', 'rule'],
    ),
    shadowDenials: counter(
      'tollgate_shadow_denials_total',
      'Calls that a rule in shadow would have denied.',
      ['rule'],
    ),
    haltsSet: counter('tollgate_halts_total', 'Agents halted by a denial, by rule.', ['rule']),
    settlements: counter(
      'tollgate_settlements_total',
      'Calls settled, by state (settled, late, unheld, unauthorized, repeat, pending) and outcome.',
      ['state', 'outcome'],
    ),
    releases: counter(
      'tollgate_releases_total',
      'Calls released, by state (released, settled, unheld, repeat, pending).',
      ['state'],
    ),
    settledUsd: counter('tollgate_settled_usd_total', 'What settled calls have cost, in USD.'),
    overageUsd: counter(
      'tollgate_overage_usd_total',
      'How much more settled calls have cost than they held, in USD.',
    ),
    unreadUsage: counter(
      'tollgate_unread_usage_total',
      'Settlements whose usage object could not be read, and counted as if it were not there.',
    ),
    assumedPrices: counter(
      'tollgate_assumed_prices_total',
      'Calls of a model without a price, which the policy assumes or denies.',
    ),
    estimateRatio: ratio(
      'tollgate_estimate_ratio',
      'Real cost of a settled call by what it held; 1 is a perfect estimate.',
    ),
    degradedDecisions: counter(
      'tollgate_degraded_decisions_total',
      'Decisions by failure mode, because Redis gave no answer, by reason.',
      ['reason'],
    ),
    unmatchedCalls: counter(
      'tollgate_unmatched_calls_total',
      'Calls that no rule of the policy matched.',
    ),
    uncostedCalls: counter(
      'tollgate_uncosted_calls_total',
      'Calls checked by a money rule though nobody gave their cost: they count as 0 USD.',
    ),
    repeatedCalls: counter(
      'tollgate_repeated_calls_total',
      'Repeats of an admitted call, answered with the first verdict and charged nothing.',
    ),
    refusedCalls: counter(
      'tollgate_refused_calls_total',
      'Calls answered with a gRPC error instead of a verdict, by status code.',
      ['code'],
    ),
    thresholdsRaised: counter(
      'tollgate_thresholds_raised_total',
      'alertAt thresholds reached, once per window and partition.',
      ['rule', 'threshold'],
    ),
    authorizeDuration: duration(
      'tollgate_authorize_duration_seconds',
      'Time to decide a call, from the decoded request to the decision.',
    ),
    storeDuration: duration(
      'tollgate_store_duration_seconds',
      'Time of one Redis round trip that brought a reply, by script.',
      ['command'],
    ),
    storeFailures: counter(
      'tollgate_store_failures_total',
      'Redis round trips without an answer, by reason.',
      ['reason'],
    ),
    storeUp: gauge('tollgate_store_up', '1 while a Redis connection is ready, else 0.'),
    storeCanEvict: gauge(
      'tollgate_store_can_evict',
      '1 if maxmemory-policy is not noeviction, so that Redis may forget spend, else 0.',
    ),
    storeEvictedKeys: gauge(
      'tollgate_store_evicted_keys',
      'Keys that Redis has evicted since it started (INFO evicted_keys), over all masters.',
    ),
    storeResets: counter(
      'tollgate_store_resets_total',
      'Times that Redis was found flushed, replaced or restored: windows were lost.',
    ),
    storeClockSteps: counter(
      'tollgate_store_clock_steps_total',
      'Jumps of the Redis clock: forward frees budget early, backward delays it.',
      ['direction'],
    ),
    journalEntries: gauge(
      'tollgate_journal_entries',
      'Admissions, withdrawals and settlements that wait for Redis to come back.',
    ),
    journalDropped: counter(
      'tollgate_journal_dropped_total',
      'Journal entries given up because the journal was full: an admission is spend that Redis never saw.',
      ['kind'],
    ),
    ledgerLag: gauge(
      'tollgate_ledger_lag_seconds',
      'Age of the oldest entry of a ledger that is not summed up yet, the most over all domains; 0 if there is none. Of a keeper.',
    ),
    ledgerAhead: gauge(
      'tollgate_ledger_ahead_seconds',
      'How far the newest entry of a ledger is ahead of the Redis clock, the most over all domains: above 0 once the clock was put back, and until it has caught up what is recorded counts under that time. Of a keeper.',
    ),
    ledgerDomains: gauge(
      'tollgate_ledger_domains',
      'Domains whose ledgers are summed up, one after another. Of a keeper.',
    ),
    ledgerFolded: counter(
      'tollgate_ledger_entries_total',
      'Entries of the ledger that this keeper has summed up.',
    ),
    ledgerLost: counter(
      'tollgate_ledger_lost_entries_total',
      'Entries that Redis dropped before they were summed up, because the ledger was full: their spend is in no report.',
    ),
    ledgerAside: counter(
      'tollgate_ledger_set_aside_total',
      'Entries of the ledger that could not be read, or make no sense: they count nowhere.',
    ),
    ledgerRanOut: counter(
      'tollgate_ledger_run_out_total',
      'Holds that ran out unsettled: their calls count as what they held.',
    ),
    ledgerOpenHolds: gauge(
      'tollgate_ledger_open_holds',
      'Calls that were admitted and not settled yet, as the ledger is summed up, over all domains. Of a keeper.',
    ),
    ledgerAttributes: gauge(
      'tollgate_ledger_attributes',
      'Different combinations of attributes that have spend, over all domains; past 100,000 in one, or 10,000 in an hour, new ones count under the tool "other", and log and reports say so. Of a keeper.',
    ),
    ledgerSinkLag: gauge(
      'tollgate_ledger_sink_lag_seconds',
      'Age of the oldest entry of a ledger that is not in TOLLGATE_LEDGER_SINK yet, the most over all domains. Of a keeper.',
    ),
    ledgerSinkFailures: counter(
      'tollgate_ledger_sink_failures_total',
      'Times that TOLLGATE_LEDGER_SINK could not be written; it is tried again.',
    ),
    alertsSent: counter(
      'tollgate_alerts_sent_total',
      'Alerts that a webhook of the policy took, by route and event (denied, halted, threshold, over). Of a keeper.',
      ['route', 'event'],
    ),
    alertsFailed: counter(
      'tollgate_alerts_failed_total',
      'Alerts that a webhook of the policy did not take, and that are given up. Of a keeper.',
      ['route'],
    ),
    alertsWaiting: gauge(
      'tollgate_alerts_waiting',
      'Alerts that are being told, or wait for it. Of a keeper.',
    ),
    policyReloadOk: gauge(
      'tollgate_policy_last_reload_successful',
      '1 if the policy file was good when it was read last, 0 if an older policy is in force.',
    ),
    policyInfo: gauge('tollgate_policy_info', 'Always 1; the hash of the policy in force.', [
      'hash',
    ]),
  };
}
