import { STAND_INS } from '../model/denier.js';
import type { Identity } from '../model/settlement.js';
import type { Policy } from '../policy/policy.js';
import type { Metrics } from '../telemetry/metrics.js';

/**
 * Makes the series of a pinned identity known at 0, before its first call: a panel then shows 0 instead of
 * nothing, and Prometheus has a value to count the first spend, denial or halt from.
 */
export function startSeries(metrics: Metrics, pinned: Identity, { rules, mode }: Policy): void {
  const { agent, team } = pinned;
  if (agent === '') return;
  const of = { agent, team, cost_centre: pinned.costCentre, tool: '', model: '' };
  metrics.calls.inc(of, 0);
  metrics.spend.inc(of, 0);
  for (const type of ['in', 'out']) metrics.tokens.inc({ ...of, type }, 0);
  metrics.overage.inc({ agent, team }, 0);
  metrics.denials.inc({ agent, team, rule: STAND_INS.halt }, 0);
  for (const { id: rule, action, rateLimit } of rules) {
    const shadow = mode === 'shadow' || action === 'shadow';
    if (shadow) metrics.shadowDenials.inc({ agent, team, rule }, 0);
    else if (action !== 'alert') metrics.denials.inc({ agent, team, rule }, 0);
    if (!shadow && action === 'halt') metrics.halts.inc({ agent, team, rule }, 0);
    for (const share of rateLimit?.alertAt ?? []) {
      metrics.thresholdsRaised.inc({ agent, team, rule, threshold: String(share) }, 0);
    }
  }
}
