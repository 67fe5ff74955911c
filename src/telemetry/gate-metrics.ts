import type { Families } from './families.js';

/** Whose call it is, and for what. A gate has them of the calls that it was asked about. */
const ATTRIBUTES = ['agent', 'team', 'cost_centre', 'tool', 'model'] as const;

/** Whose call it is. */
const WHO = ['agent', 'team'] as const;

/** What gates have: each is counted once for a decision or a settlement, from the decision or its outcome. */
export function gateMetrics({
  counter,
  counters,
  usd,
  gauge,
  gauges,
  durations,
  ratios,
}: Families) {
  return {
    calls: counters(
      'tollgate_calls_total',
      'Calls admitted, repeats not counted. Of gates; who calls what, and how fast.',
      ATTRIBUTES,
    ),
    spend: usd(
      'tollgate_spend_usd_total',
      "USD that settled calls have cost, when they are settled; of final calls, when they are admitted. Of gates; spend as it happens. Calls that were never settled are in the keeper's tollgate_spend_today_usd only.",
      ATTRIBUTES,
    ),
    tokens: counters(
      'tollgate_tokens_total',
      'Tokens of settled calls, by type (in, out). Of gates; tells dearer calls from longer ones.',
      [...ATTRIBUTES, 'type'],
    ),
    decisions: counters(
      'tollgate_decisions_total',
      'Decisions, by verdict and by the rule that denied (none for an allowed call, else as in tollgate_denials_total). Of gates; repeats are decisions too.',
      ['verdict', 'rule'],
    ),
    denials: counters(
      'tollgate_denials_total',
      'Calls denied, by the rule that denied (halt: the agent is halted; unpriced: its model has no price; degraded: Redis gave no answer; none: no rule matched). Of gates; who is blocked, each try counted.',
      [...WHO, 'rule'],
    ),
    shadowDenials: counters(
      'tollgate_shadow_denials_total',
      'Calls that a rule in shadow would have denied. Of gates; what the rule would do if it were enforced.',
      [...WHO, 'rule'],
    ),
    halts: counters(
      'tollgate_halts_total',
      'Halts that denials have set off, by rule. Of gates; halts by people are in tollgate_halted only.',
      [...WHO, 'rule'],
    ),
    thresholdsRaised: counters(
      'tollgate_thresholds_raised_total',
      'alertAt thresholds reached, as shares of the limit, once per window and partition. Of gates; agent and team are those of the call that reached it.',
      [...WHO, 'rule', 'threshold'],
    ),
    overage: usd(
      'tollgate_overage_usd_total',
      'USD that settled calls have cost over what they held. Of gates; how far windows may pass their limits.',
      WHO,
    ),
    assumedPriceCalls: counters(
      'tollgate_assumed_price_calls_total',
      'Calls of a model without a price, which the policy assumes or denies; repeats not counted. Of gates; give the model a price.',
      [...WHO, 'model'],
    ),
    uncostedCalls: counter(
      'tollgate_uncosted_calls_total',
      'Calls checked by a money rule though nobody gave their cost: they count as 0 USD. Of gates; money rules miss them.',
    ),
    unmatchedCalls: counter(
      'tollgate_unmatched_calls_total',
      'Calls that no rule of the policy matched. Of gates; nothing limits them.',
    ),
    estimateRatio: ratios(
      'tollgate_estimate_ratio',
      'Real cost of a settled call by what it held; 1 is a perfect estimate. Of gates; low wastes budget, high passes limits.',
    ),
    degradedDecisions: counters(
      'tollgate_degraded_decisions_total',
      'Decisions by failure mode, because Redis gave no answer, by reason. Of gates; limits hold only as far as failure modes deny.',
      ['reason'],
    ),
    repeatedCalls: counter(
      'tollgate_repeated_calls_total',
      'Repeats of an admitted call, answered with the first verdict and charged nothing. Of gates; many mean that replies get lost.',
    ),
    refusedCalls: counters(
      'tollgate_refused_calls_total',
      'Requests answered with a gRPC error instead of a verdict, by status code. Of gates; PERMISSION_DENIED is a forged lineage or a foreign identity.',
      ['code'],
    ),
    refusedConnections: counters(
      'tollgate_refused_connections_total',
      'Connections of agents that were refused or dropped, by reason (plaintext, no_certificate, untrusted, handshake: TLS; slow: it asks nothing; stuck: a request does not end; resets: requests are taken back; headers: they are too large; crowded: there are too many). Of gates; a client that is set up wrongly, or an attack.',
      ['reason'],
    ),
    tlsExpiry: gauges(
      'tollgate_tls_certificate_expiry_timestamp_seconds',
      'When what is in use ends, seconds since the Unix epoch, by certificate (server; client_ca: the first of the CAs). Of gates with TLS; then no agent gets an answer.',
      ['certificate'],
      'drop',
    ),
    tlsReloadOk: gauges(
      'tollgate_tls_last_reload_successful',
      '1 if the TLS files were good when they were read last, 0 if an older certificate is still shown. Of gates with TLS.',
      [],
      'drop',
    ),
    settlements: counters(
      'tollgate_settlements_total',
      'Calls settled, by state (settled, late, unheld, unauthorized, repeat, pending) and outcome. Of gates.',
      ['state', 'outcome'],
    ),
    releases: counters(
      'tollgate_releases_total',
      'Calls released, by state (released, settled, unheld, repeat, pending). Of gates.',
      ['state'],
    ),
    unreadUsage: counter(
      'tollgate_unread_usage_total',
      'Settlements whose usage object could not be read, and counted as if it were not there. Of gates.',
    ),
    authorizeDuration: durations(
      'tollgate_authorize_duration_seconds',
      'Seconds to decide a call, from the decoded request to the decision. Of gates; what a call waits for Tollgate.',
    ),
    journalEntries: gauge(
      'tollgate_journal_entries',
      'Admissions, withdrawals and settlements that wait for Redis to come back. Of gates; lost with the process.',
    ),
    journalDropped: counters(
      'tollgate_journal_dropped_total',
      'Journal entries given up because the journal was full, by kind. Of gates; an admission is spend that Redis never saw.',
      ['kind'],
    ),
  };
}
