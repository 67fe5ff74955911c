import type { Families } from './families.js';

/** What keepers have, over all domains, from Redis: two keepers say the same, so take the max of them. */
export function keeperMetrics({ counter, counters, gauge }: Families) {
  return {
    ledgerLag: gauge(
      'tollgate_ledger_lag_seconds',
      'Age of the oldest entry of a ledger that is not summed up yet, the most over all domains; 0 if there is none, growing for a domain that cannot be looked after. Of keepers; how far reports are behind.',
    ),
    ledgerAhead: gauge(
      'tollgate_ledger_ahead_seconds',
      'How far the newest entry of a ledger is ahead of the Redis clock, the most over all domains. Of keepers; above 0 once the clock was put back, and until it has caught up what is recorded counts under that time.',
    ),
    ledgerDomains: gauge(
      'tollgate_ledger_domains',
      'Domains whose ledgers are summed up, one after another. Of keepers; past 10,000 a round takes seconds.',
    ),
    ledgerFolded: counter(
      'tollgate_ledger_entries_total',
      'Entries of the ledger that this keeper has summed up. Of keepers.',
    ),
    ledgerLost: counter(
      'tollgate_ledger_lost_entries_total',
      'Entries that Redis dropped before they were summed up, because the ledger was full: their spend is in no report. Of keepers.',
    ),
    ledgerAside: counter(
      'tollgate_ledger_set_aside_total',
      'Entries of the ledger that could not be read, or make no sense: they count nowhere. Of keepers.',
    ),
    ledgerRanOut: counter(
      'tollgate_ledger_run_out_total',
      'Holds that ran out unsettled: their calls count as what they held. Of keepers; agents that do not settle.',
    ),
    ledgerOpenHolds: gauge(
      'tollgate_ledger_open_holds',
      'Calls that were admitted and not settled yet, as the ledger is summed up. Of keepers; growing, they are a leak.',
    ),
    ledgerAttributes: gauge(
      'tollgate_ledger_attributes',
      'Different combinations of attributes that have spend; past 100,000 in one domain, or 10,000 in an hour, new ones count under the tool "other", and log and reports say so. Of keepers.',
    ),
    ledgerSinkLag: gauge(
      'tollgate_ledger_sink_lag_seconds',
      'Age of the oldest entry of a ledger that is not in TOLLGATE_LEDGER_SINK yet, the most over all domains. Of keepers.',
    ),
    alertsSent: counters(
      'tollgate_alerts_sent_total',
      'Alerts that a webhook of the policy took, by route and event (denied, halted, threshold, over). Of keepers.',
      ['route', 'event'],
    ),
    alertsFailed: counters(
      'tollgate_alerts_failed_total',
      'Alerts that a webhook of the policy did not take, and that are given up. Of keepers; somebody was not told.',
      ['route'],
    ),
    alertsWaiting: gauge(
      'tollgate_alerts_waiting',
      'Alerts that are being told, or wait for it. Of keepers; growing, a receiver is slow or away.',
    ),
    ledgerSinkFailures: counter(
      'tollgate_ledger_sink_failures_total',
      'Times that TOLLGATE_LEDGER_SINK could not be written; it is tried again. Of keepers.',
    ),
  };
}
