import type { Section } from './dashboard.js';
import { lines, ofTollgate, rate } from './lines.js';
import { quantile } from './promql.js';

/** What is behind the decisions: holds, Redis, the ledger, and the processes. */
export const UPKEEP: readonly Section[] = [
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
        'Age of the oldest entry that is not summed up, and that is not in the sink: reports are that late. Ahead of the clock is not 0 only after the clock of Redis was put back.',
        's',
        [
          ['max(tollgate_ledger_lag_seconds)', 'summing up'],
          ['max(tollgate_ledger_sink_lag_seconds)', 'sink'],
          ['max(tollgate_ledger_ahead_seconds)', 'ahead of the clock'],
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
        'Combinations of attributes, and domains',
        'What spend is told apart by; past 100,000 in one domain the rest counts as other. Past 10,000 domains a round over all ledgers takes seconds.',
        'short',
        [
          ['max(tollgate_ledger_attributes)', 'combinations'],
          ['max(tollgate_ledger_domains)', 'domains'],
        ],
      ),
      lines(
        'Counted as other, a second',
        'What did not get a series of its own, by family: the bound on series is reached, and figures by agent are incomplete there.',
        'cps',
        [[rate('tollgate_series_overflow_total', 'family'), '{{family}}']],
      ),
    ],
  },
];
