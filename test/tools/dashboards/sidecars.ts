import { dashboard } from './dashboard.js';
import { lines, ofTollgate, rate } from './lines.js';
import { stat, type Unit } from './panel.js';
import { perSecond, quantile } from './promql.js';
import { table } from './table.js';
import { UPKEEP } from './upkeep.js';

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
    ...UPKEEP,
  ],
});
