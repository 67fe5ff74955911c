import type { Case } from './case.js';

/** The label that an alert about Tollgate itself has. */
const PLATFORM = { team: 'platform' };

/** A case about Tollgate itself. */
function fleet(
  alert: string,
  what: string,
  series: Case['series'],
  at: string,
  summary?: string,
  labels: Readonly<Record<string, string>> = {},
): Case {
  return {
    ...{ alert, what, series, at },
    fires: summary === undefined ? [] : [[{ ...PLATFORM, ...labels }, summary]],
  };
}

const BUILD = 'tollgate_build_info{version="1",role="gate",instance="g"}';

export const FLEET_CASES: readonly Case[] = [
  fleet(
    'TollgatePriceTableOld',
    'prices of more than 90 days ago',
    // promtool's clock begins at 1970: 91 days later.
    { 'tollgate_price_table_timestamp_seconds{pod="1"}': '-7862400x5' },
    '15s',
    'The built-in prices of models are 91 days old',
  ),
  fleet(
    'TollgatePriceTableOld',
    'prices of yesterday',
    { 'tollgate_price_table_timestamp_seconds{pod="1"}': '-86400x5' },
    '15s',
  ),
  fleet(
    'TollgatePolicyReloadFailed',
    'two of three sidecars refuse the file',
    {
      'tollgate_policy_last_reload_successful{pod="1"}': '0x5',
      'tollgate_policy_last_reload_successful{pod="2"}': '0x5',
      'tollgate_policy_last_reload_successful{pod="3"}': '1x5',
    },
    '15s',
    '2 sidecars have refused the policy file, and keep the one before it',
  ),
  fleet(
    'TollgatePolicyReloadFailed',
    'all have a good file',
    { 'tollgate_policy_last_reload_successful{pod="1"}': '1x5' },
    '15s',
  ),
  fleet(
    'TollgatePolicyDrift',
    'two policies for longer than a rollout takes',
    { 'tollgate_gate_policies{pod="k1"}': '2x150' },
    '11m',
    '2 different policies are in force on the sidecars',
  ),
  fleet(
    'TollgatePolicyDrift',
    'a rollout',
    { 'tollgate_gate_policies{pod="k1"}': '2x60 1x100' },
    '11m',
  ),
  {
    alert: 'TollgateCertificateEnds',
    what: 'one of two gates has not renewed its own',
    series: {
      'tollgate_tls_certificate_expiry_timestamp_seconds{certificate="server",pod="1"}':
        '87300x200',
      'tollgate_tls_certificate_expiry_timestamp_seconds{certificate="server",pod="2"}':
        '9999999x200',
    },
    at: '15m',
    fires: [
      [
        { certificate: 'server', team: 'platform' },
        'The certificate (server) of a gate with TLS ends in 1.0 days',
      ],
    ],
  },
  fleet(
    'TollgateCertificateEnds',
    'there is time',
    { 'tollgate_tls_certificate_expiry_timestamp_seconds{certificate="server"}': '999999x200' },
    '15m',
  ),
  {
    alert: 'TollgateConnectionsRefused',
    what: 'a client without a certificate keeps trying',
    series: { 'tollgate_refused_connections_total{reason="no_certificate",pod="1"}': '0+1x200' },
    at: '11m',
    fires: [
      [
        { reason: 'no_certificate', team: 'platform' },
        'Gates have refused about 60 connections in 5 minutes: no_certificate',
      ],
    ],
  },
  fleet(
    'TollgateConnectionsRefused',
    'one connection, some time ago',
    { 'tollgate_refused_connections_total{reason="slow",pod="1"}': '0x10 1x200' },
    '11m',
  ),
  fleet(
    'TollgateStoreDown',
    'two sidecars are cut off',
    {
      'tollgate_store_up{pod="1"}': '0x20',
      'tollgate_store_up{pod="2"}': '0x20',
      'tollgate_store_up{pod="3"}': '1x20',
    },
    '1m',
    '2 sidecars have no connection to Redis',
  ),
  fleet(
    'TollgateStoreDown',
    'a failover is over soon',
    { 'tollgate_store_up{pod="1"}': '1 0 0 0 1x20' },
    '1m',
  ),
  fleet(
    'TollgateStoreSlow',
    'one round trip in ten takes more than 32 ms',
    {
      'tollgate_store_duration_seconds_bucket{command="authorize",le="0.016"}': '0+9x60',
      'tollgate_store_duration_seconds_bucket{command="authorize",le="0.032"}': '0+9x60',
      'tollgate_store_duration_seconds_bucket{command="authorize",le="0.05"}': '0+10x60',
      'tollgate_store_duration_seconds_bucket{command="authorize",le="+Inf"}': '0+10x60',
    },
    '4m',
    'Redis is slow: one decision in a hundred waits 48.2ms or more for it',
  ),
  fleet(
    'TollgateStoreSlow',
    'fast round trips, slow folds and no traffic',
    {
      'tollgate_store_duration_seconds_bucket{command="authorize",le="0.016"}': '0+10x60',
      'tollgate_store_duration_seconds_bucket{command="authorize",le="+Inf"}': '0+10x60',
      'tollgate_store_duration_seconds_bucket{command="fold",le="0.016"}': '0+0x60',
      'tollgate_store_duration_seconds_bucket{command="fold",le="+Inf"}': '0+10x60',
    },
    '4m',
  ),
  fleet(
    'TollgateStoreCanEvict',
    'a Redis with an eviction policy',
    { 'tollgate_store_can_evict{pod="1"}': '1x30', 'tollgate_store_can_evict{pod="2"}': '1x30' },
    '2m',
    'Redis may forget spend: its maxmemory-policy is not noeviction',
  ),
  fleet(
    'TollgateStoreCanEvict',
    'a Redis without',
    { 'tollgate_store_can_evict{pod="1"}': '0x30' },
    '2m',
  ),
  fleet(
    'TollgateStoreEvicted',
    'keys are gone, as every pod says',
    {
      'tollgate_store_evicted_keys{pod="1"}': '0 0 5x5',
      'tollgate_store_evicted_keys{pod="2"}': '0 0 5x5',
    },
    '15s',
    'Redis has thrown away about 5 keys in 15 minutes',
  ),
  fleet(
    'TollgateStoreEvicted',
    'keys that were gone long ago',
    { 'tollgate_store_evicted_keys{pod="1"}': '5x5' },
    '15s',
  ),
  fleet(
    'TollgateStoreReset',
    'a flush, as every pod finds',
    {
      'tollgate_store_resets_total{pod="1"}': '0 1x5',
      'tollgate_store_resets_total{pod="2"}': '0 1x5',
    },
    '15s',
    'Redis was flushed, replaced or restored: 1 times in 15 minutes',
  ),
  fleet('TollgateStoreReset', 'none', { 'tollgate_store_resets_total{pod="1"}': '0x5' }, '15s'),
  fleet(
    'TollgateDegradedDecisions',
    'decisions on two pods without an answer',
    {
      'tollgate_degraded_decisions_total{reason="timeout",pod="1"}': '0 2x5',
      'tollgate_degraded_decisions_total{reason="timeout",pod="2"}': '0 3x5',
    },
    '15s',
    'About 5 decisions in 5 minutes were made without Redis (timeout)',
    { reason: 'timeout' },
  ),
  fleet(
    'TollgateDegradedDecisions',
    'those of last week',
    { 'tollgate_degraded_decisions_total{reason="timeout"}': '4x5' },
    '15s',
  ),
  fleet(
    'TollgateLedgerBehind',
    'the sum is late for longer than a minute',
    { 'tollgate_ledger_lag_seconds{pod="k1"}': '300x30' },
    '2m',
    'The ledger is summed up 5m 0s late',
  ),
  fleet(
    'TollgateLedgerBehind',
    'a burst that is folded soon',
    { 'tollgate_ledger_lag_seconds{pod="k1"}': '90x5 1x30' },
    '2m',
  ),
  fleet(
    'TollgateLedgerLost',
    'entries were dropped',
    {
      'tollgate_ledger_lost_entries_total{pod="k1"}': '0 40x5',
      'tollgate_ledger_set_aside_total{pod="k1"}': '0 2x5',
    },
    '15s',
    'About 42 entries of the ledger are in no report',
  ),
  fleet(
    'TollgateLedgerLost',
    'none was',
    {
      'tollgate_ledger_lost_entries_total{pod="k1"}': '0x5',
      'tollgate_ledger_set_aside_total{pod="k1"}': '0x5',
    },
    '15s',
  ),
  fleet(
    'TollgateSpendUnrecorded',
    'a journal was full',
    { 'tollgate_journal_dropped_total{kind="admission",pod="1"}': '0 6x5' },
    '15s',
    'About 6 times (admission) a sidecar could not keep what Redis must still be told',
    { kind: 'admission' },
  ),
  fleet(
    'TollgateSpendUnrecorded',
    'no journal was',
    { 'tollgate_journal_dropped_total{kind="admission",pod="1"}': '0x5' },
    '15s',
  ),
  fleet(
    'TollgateNoSidecar',
    'only a keeper is left',
    { 'tollgate_build_info{version="1",role="keeper"}': '1x30' },
    '2m',
    'Prometheus sees no sidecar that decides: 0 are scraped',
  ),
  fleet('TollgateNoSidecar', 'one decides', { [BUILD]: '1x30' }, '2m'),
  fleet(
    'TollgateNoKeeper',
    'gates without a keeper',
    { [BUILD]: '1x30' },
    '2m',
    'No keeper has looked at the fleet for a minute: 0 fresh snapshots',
  ),
  fleet(
    'TollgateNoKeeper',
    'a keeper that has stuck',
    { [BUILD]: '1x30', 'tollgate_fleet_age_seconds{pod="k1"}': '90x30' },
    '2m',
    'No keeper has looked at the fleet for a minute: 0 fresh snapshots',
  ),
  fleet(
    'TollgateNoKeeper',
    'one of two keepers is well',
    {
      [BUILD]: '1x30',
      'tollgate_fleet_age_seconds{pod="k1"}': '90x30',
      'tollgate_fleet_age_seconds{pod="k2"}': '2x30',
    },
    '2m',
  ),
  fleet(
    'TollgateMessagesUndelivered',
    'a webhook that does not answer',
    { 'tollgate_alerts_failed_total{route="slack",pod="k1"}': '0 3x5' },
    '15s',
    'About 3 messages to slack could not be delivered in 15 minutes',
    { route: 'slack' },
  ),
  fleet(
    'TollgateMessagesUndelivered',
    'one that does',
    { 'tollgate_alerts_failed_total{route="slack",pod="k1"}': '0x5' },
    '15s',
  ),
];
