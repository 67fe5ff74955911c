import { attributeOf, type Call } from '../model/call.js';
import { type Decision, denyingRule } from '../model/decision.js';
import { denierOf } from '../model/denier.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Notes } from './notes.js';
import { createSpending } from './spending.js';
import type { Announce } from './thresholds.js';

/** Models that were warned of, so that each is said once. */
const MAX_WARNED = 1_000;

/** Writes metrics and log, once for each decision, from the decision. */
export type Observe = (call: Call, decision: Decision, seconds: number) => void;

export function createObserver(
  metrics: Metrics,
  log: Logger,
  announce: Announce,
  notes: Notes,
): Observe {
  const warned = new Set<string>();
  const spending = createSpending(metrics);

  return (call, decision, seconds) => {
    const { verdict, degraded } = decision;
    const { agent, team } = call;
    const rule = denyingRule(decision);
    const denier = denierOf(decision).rule;
    metrics.authorizeDuration.observe(seconds);
    metrics.decisions.inc({ verdict, rule: denier });
    if (verdict === 'deny') metrics.denials.inc({ agent, team, rule: denier });
    else if (decision.repeat === 0) {
      spending.admitted(call);
      // Without Redis it is spent when Redis is told: guard/admissions.
      if (call.final && !degraded) spending.spent(call, decision.amounts);
    }
    if (decision.halt && rule) metrics.halts.inc({ agent, team, rule: decision.halt.rule });
    if (degraded) metrics.degradedDecisions.inc({ reason: degraded });
    if (decision.unmatched) metrics.unmatchedCalls.inc();
    if (decision.repeat > 0) metrics.repeatedCalls.inc();
    for (const { ruleId, shadowDenied } of decision.rules) {
      if (shadowDenied) metrics.shadowDenials.inc({ agent, team, rule: ruleId });
    }

    const fields = {
      call_id: decision.callId,
      agent: call.agent,
      tool: call.tool || undefined,
      model: call.model || undefined,
      degraded,
    };
    for (const { ruleId, partition, counted, window } of decision.rules) {
      if (!counted || !window) continue;
      for (const share of window.raised) {
        const amount = share * (counted.limit - counted.granted);
        const atUs = decision.decidedAtUs;
        const untilUs = window.quietUntilUs;
        const said = announce(
          { who: call, ruleId, partition, share, amount, atUs, untilUs },
          fields,
        );
        // What an admission raises, the script has told.
        if (said && verdict === 'deny') {
          const { metric, limit } = counted;
          notes.raised(call, {
            ...{ kind: 'threshold', rule: ruleId, partition, metric, limit },
            ...{ amount: Math.ceil(amount), agent, team, tool: call.tool },
            run: attributeOf(call, 'run'),
          });
        }
      }
    }
    if (decision.amounts.costSource === 'assumed') {
      if (decision.repeat === 0) {
        metrics.assumedPriceCalls.inc({ agent, team, model: call.model });
      }
      warnOnce(
        call.model,
        'assumed',
        fields,
        'has no price: the one that the policy assumes is used',
      );
    }
    const moneyRule = decision.rules.some((r) => r.counted?.metric === 'estimated_cost_usd');
    if (moneyRule && decision.amounts.costSource === 'none') {
      metrics.uncostedCalls.inc();
      const what = call.model || call.tool || 'a call';
      warnOnce(what, 'uncosted', fields, 'has no cost and no price: money rules count it as 0 USD');
    }
    if (verdict === 'deny') {
      notes.denied(call, decision, denier);
      log.info(
        { ...fields, rule: rule?.ruleId, partition: rule?.partition },
        `denied: ${decision.reason}`,
      );
    } else if (log.isLevelEnabled('debug')) {
      log.debug({ ...fields, timestamp: call.timestampMs }, 'allowed');
    }
  };

  function warnOnce(what: string, kind: string, fields: object, problem: string): void {
    const key = `${kind} ${what}`;
    if (warned.has(key) || warned.size >= MAX_WARNED) return;
    warned.add(key);
    log.warn(fields, `${what} ${problem}`);
  }
}
