import { dashboard } from './dashboard.js';
import { type Line, series, stat, type Unit } from './panel.js';
import { perSecond, quantile } from './promql.js';
import { table } from './table.js';

/** Of every pod; these counters know no agent. */
function rate(counter: string, by = ''): string {
  return perSecond(counter, by, '');
}

/** A small panel of lines. */
function lines(
  title: string,
  description: string,
  unit: Unit,
  shown: readonly Line[],
  badAt?: number,
) {
  return series(
    { title, description, unit, width: 8, ...(badAt === undefined ? {} : { badAt }) },
    shown,
  );
}

/** A small number. */
function number(
  title: string,
  description: string,
  unit: Unit,
  expr: string,
  levels: { warnAt?: number; badAt?: number } = {},
) {
  return stat({ title, description, unit, width: 3, ...levels }, expr);
}

/** Metrics that every Node process has, only of Tollgate's. */
function ofTollgate(metric: string): string {
  return `sum by (instance) (${metric} and on (instance, job) tollgate_build_info)`;
}

/** Whether the sidecars themselves are well. */
export const sidecars = dashboard({
  uid: 'tollgate-sidecars',
  title: 'Tollgate / Sidecars',
  description: 'Decisions, latency, Redis, holds, the ledger, and the processes.',
  from: 'now-3h',
  sections: [
    {
      title: 'Now',
      panels: [
        number(
          'Gates',
          'Sidecars that decide, and have told Redis of themselves in the last 15 seconds.',
          'none',
          'max(tollgate_gates)',
        ),
        number(
          'Policies in force',
          'Different policies on the gates. More than 1 for longer than a rollout is drift.',
          'none',
          'max(tollgate_gate_policies)',
          { warnAt: 2 },
        ),
        number(
          'Policy refused by',
          'Sidecars whose policy file has a mistake; they keep the one before it. `tollgate check` names the mistake.',
          'none',
          'count(tollgate_policy_last_reload_successful == 0) or vector(0)',
          { badAt: 1 },
        ),
        number(
          'Without Redis',
          'Sidecars without a connection to Redis: failure modes decide there.',
          'none',
          'count(tollgate_store_up == 0) or vector(0)',
          { badAt: 1 },
        ),
        number(
          'Redis can evict',
          '1 if Redis may drop keys when its memory is full; it has to be 0, or limits forget what was spent.',
          'none',
          'max(tollgate_store_can_evict)',
          { badAt: 1 },
        ),
        number(
          'Keys evicted',
          'Keys that Redis has dropped since it started.',
          'none',
          'max(tollgate_store_evicted_keys)',
          { badAt: 1 },
        ),
        number(
          'Snapshot is',
          'Age of what the keeper knows of the fleet: spend, windows, halts.',
          's',
          'min(tollgate_fleet_age_seconds)',
          { warnAt: 15, badAt: 60 },
        ),
        number(
          'Prices are of',
          'The date of the built-in price table. Old prices are wrong prices.',
          'dateTimeFromNow',
          'min(tollgate_price_table_timestamp_seconds) * 1000',
        ),
        table(
          {
            title: 'Sidecars',
            description: 'The busiest of them: role, version, decisions and memory.',
            unit: 'none',
            width: 16,
          },
          ['instance', 'role', 'version'],
          [
            {
              name: 'Decisions a second',
              unit: 'cps',
              decimals: 1,
              expr: 'topk($top, sum by (instance) (rate(tollgate_decisions_total[$__rate_interval])))',
            },
            {
              name: 'Up',
              unit: 'none',
              expr: 'max by (instance, role, version) (tollgate_build_info)',
            },
            {
              name: 'Memory',
              unit: 'bytes',
              decimals: 0,
              expr: ofTollgate('process_resident_memory_bytes'),
            },
            { name: 'Redis', unit: 'none', expr: 'min by (instance) (tollgate_store_up)' },
          ],
        ),
        table(
          {
            title: 'Policies',
            description: 'How many sidecars have which policy in force, by its hash.',
            unit: 'none',
            width: 8,
          },
          ['hash'],
          [{ name: 'Sidecars', unit: 'none', expr: 'count by (hash) (tollgate_policy_info)' }],
        ),
      ],
    },
    {
      title: 'Decisions',
      panels: [
        lines('Decisions a second', 'By verdict.', 'cps', [
          [rate('tollgate_decisions_total', 'verdict'), '{{verdict}}'],
        ]),
        lines(
          'Time to decide',
          'From the decoded request to the decision, over all pods. It has to stay under 50 ms, where failure modes decide.',
          's',
          [
            [quantile(0.5, 'tollgate_authorize_duration_seconds'), 'half are under'],
            [quantile(0.95, 'tollgate_authorize_duration_seconds'), '95% are under'],
            [quantile(0.99, 'tollgate_authorize_duration_seconds'), '99% are under'],
          ],
          0.05,
        ),
        lines(
          'Degraded decisions a second',
          'Made by failure modes because Redis gave no answer, by reason. It has to be 0.',
          'cps',
          [[rate('tollgate_degraded_decisions_total', 'reason'), '{{reason}}']],
          0.001,
        ),
        lines(
          'Calls admitted a second',
          'Of the agents chosen above; repeats are not counted.',
          'cps',
          [[perSecond('tollgate_calls_total', 'team'), '{{team}}']],
        ),
        lines(
          'Refused and repeated calls a second',
          'Refused calls are broken ones, by gRPC code; repeats are answered with the first verdict and charged nothing.',
          'cps',
          [
            [rate('tollgate_refused_calls_total', 'code'), '{{code}}'],
            [rate('tollgate_repeated_calls_total'), 'repeats'],
          ],
        ),
        lines(
          'Calls that slip through, a second',
          'Unmatched calls meet no rule; uncosted ones count as 0 USD in money rules; of unread usage the provider’s object was not understood.',
          'cps',
          [
            [rate('tollgate_unmatched_calls_total'), 'unmatched'],
            [rate('tollgate_uncosted_calls_total'), 'uncosted'],
            [rate('tollgate_unread_usage_total'), 'usage not read'],
          ],
        ),
      ],
    },
    {
      title: 'Settlements and holds',
      panels: [
        lines(
          'Settlements a second',
          'By state: late is after the hold ran out, unheld is of a call that Redis does not know, pending waits for Redis.',
          'cps',
          [[rate('tollgate_settlements_total', 'state, outcome'), '{{state}} {{outcome}}']],
        ),
        lines('Releases a second', 'Calls that were given back unsent, by state.', 'cps', [
          [rate('tollgate_releases_total', 'state'), '{{state}}'],
        ]),
        lines(
          'Real cost by estimate',
          '1 is a perfect estimate; above it calls cost more than they held.',
          'none',
          [
            [quantile(0.5, 'tollgate_estimate_ratio'), 'half are under'],
            [quantile(0.9, 'tollgate_estimate_ratio'), '90% are under'],
          ],
        ),
        lines(
          'Open holds',
          'Calls that were admitted and not settled yet. It grows when agents do not settle.',
          'short',
          [['max(tollgate_ledger_open_holds)', 'open']],
        ),
        lines(
          'Holds run out, a second',
          'Calls that were never settled: they count as what they held.',
          'cps',
          [[rate('tollgate_ledger_run_out_total'), 'run out']],
        ),
        lines(
          'Journal',
          'What sidecars must still tell Redis, and what they gave up because there was too much of it.',
          'short',
          [
            ['sum(tollgate_journal_entries)', 'waiting'],
            [
              'sum by (kind) (increase(tollgate_journal_dropped_total[$__rate_interval]))',
              'given up: {{kind}}',
            ],
          ],
        ),
      ],
    },
    {
      title: 'Redis',
      panels: [
        lines(
          'Round trips, 99% are under',
          'By script, over all pods, of those that brought a reply.',
          's',
          [[quantile(0.99, 'tollgate_store_duration_seconds', 'command'), '{{command}}']],
          0.05,
        ),
        lines('Round trips without an answer, a second', 'By reason.', 'cps', [
          [rate('tollgate_store_failures_total', 'reason'), '{{reason}}'],
        ]),
        lines(
          'Lost and jumped',
          'Resets lost windows; a clock that steps forward frees budget early, backward delays it. All should be 0.',
          'short',
          [
            ['max(increase(tollgate_store_resets_total[$__rate_interval]))', 'resets'],
            [
              'max by (direction) (increase(tollgate_store_clock_steps_total[$__rate_interval]))',
              'clock stepped {{direction}}',
            ],
          ],
        ),
      ],
    },
    {
      title: 'The ledger',
      panels: [
        lines(
          'Behind',
          'Age of the oldest entry that is not summed up, and that is not in the sink. Reports are that late.',
          's',
          [
            ['max(tollgate_ledger_lag_seconds)', 'summing up'],
            ['max(tollgate_ledger_sink_lag_seconds)', 'sink'],
          ],
          60,
        ),
        lines('Entries summed up a second', 'Over all keepers.', 'cps', [
          [rate('tollgate_ledger_entries_total'), 'entries'],
        ]),
        lines(
          'In no report',
          'Entries that were dropped before they were summed up, or could not be read, and failures of the sink. All should be 0.',
          'short',
          [
            ['sum(increase(tollgate_ledger_lost_entries_total[$__rate_interval]))', 'lost'],
            ['sum(increase(tollgate_ledger_set_aside_total[$__rate_interval]))', 'set aside'],
            ['sum(increase(tollgate_ledger_sink_failures_total[$__rate_interval]))', 'sink failed'],
          ],
        ),
      ],
    },
    {
      title: 'Processes',
      panels: [
        lines(
          'Memory',
          'Resident, of each sidecar and keeper. A gate should stay under 90 MB.',
          'bytes',
          [[ofTollgate('process_resident_memory_bytes'), '{{instance}}']],
        ),
        lines('CPU', 'Cores in use, of each sidecar and keeper.', 'none', [
          [ofTollgate('rate(process_cpu_seconds_total[$__rate_interval])'), '{{instance}}'],
        ]),
        lines(
          'Event loop, 99% of delays are under',
          'A sidecar that is late here is too busy to read what Redis answers in time.',
          's',
          [[ofTollgate('nodejs_eventloop_lag_p99_seconds'), '{{instance}}']],
        ),
        lines(
          'Combinations of attributes',
          'What spend is told apart by; past 100,000 in one domain the rest counts as other.',
          'short',
          [['max(tollgate_ledger_attributes)', 'combinations']],
        ),
        lines(
          'Counted as other, a second',
          'What did not get a series of its own, by family: the bound on series is reached, and figures by agent are incomplete there.',
          'cps',
          [[rate('tollgate_series_overflow_total', 'family'), '{{family}}']],
        ),
      ],
    },
  ],
});
