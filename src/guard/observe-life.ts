import type { FailureReason } from '../model/decision.js';
import { formatUsd } from '../model/money.js';
import type {
  ReleaseOrder,
  ReleaseOutcome,
  Settlement,
  SettlementOutcome,
} from '../model/settlement.js';
import type { Policy } from '../policy/policy.js';
import type { ShortFacts } from '../store/facts.js';
import type { Grown } from '../store/settlement.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createSpending } from './spending.js';
import type { Announce } from './thresholds.js';

/** Writes metrics and log of what follows a decision, once for each answer, from the answer. */
export interface ObserveLife {
  /**
   * @param facts the call as far as it is known
   * @param grown windows in which it uses more than it held
   */
  settled(
    settlement: Settlement,
    outcome: SettlementOutcome,
    facts: ShortFacts,
    grown: readonly Grown[],
  ): void;
  /** Redis is told later. That it is counted as spend then, and not now, makes it count once and as stored. */
  pending(settlement: Settlement, why: FailureReason): void;
  released(order: ReleaseOrder, outcome: ReleaseOutcome): void;
}

export function createLifeObserver(
  policy: () => Policy,
  metrics: Metrics,
  log: Logger,
  announce: Announce,
): ObserveLife {
  const spending = createSpending(metrics);

  /** The record has bits, and the rule their shares; a rule that has changed since is only approximate. */
  function announceRaised(
    { rule, partition, usedAfter, limit, raised }: Grown,
    who: ShortFacts,
    atUs: number,
    fields: object,
  ) {
    const alertAt = policy().rules.find(({ id }) => id === rule)?.rateLimit?.alertAt ?? [];
    for (let bit = 0; 2 ** bit <= raised; bit += 1) {
      if ((raised & (1 << bit)) === 0) continue;
      const share = alertAt[bit] ?? Math.min(1, usedAfter / limit);
      const amount = share * limit;
      announce({ who, ruleId: rule, partition, share, amount, atUs, untilUs: atUs }, fields);
    }
  }

  return {
    pending({ callId, identity, outcome }, why) {
      metrics.settlements.inc({ state: 'pending', outcome });
      log.warn({ call_id: callId, agent: identity.agent, why }, 'a settlement waits for Redis');
    },

    settled(settlement, outcome, facts, grown) {
      const { state, repeat, late, settled, held, overageNano } = outcome;
      const counted = repeat ? 'repeat' : late ? 'late' : state;
      metrics.settlements.inc({ state: counted, outcome: settlement.outcome });
      const { agent, team } = facts;
      const fields = { call_id: outcome.callId, agent };
      if (repeat) return;
      if (outcome.usageProblem !== '') {
        metrics.unreadUsage.inc();
        log.warn({ ...fields, why: outcome.usageProblem }, 'a usage object could not be read');
      }
      spending.spent(facts, settled);
      metrics.overage.inc({ agent, team }, overageNano);
      if (held.costNano > 0) metrics.estimateRatio.observe(settled.costNano / held.costNano);
      for (const window of grown) announceRaised(window, facts, outcome.settledAtUs, fields);
      const over = grown.find(({ usedAfter, limit }) => usedAfter > limit);
      if (over) {
        log.warn(
          {
            ...fields,
            rule: over.rule,
            partition: over.partition,
            used: over.usedAfter,
            limit: over.limit,
          },
          'a call has used more than it held, and its window has passed its limit',
        );
      }
      if (state === 'unheld') {
        log.warn(
          { ...fields, cost: formatUsd(settled.costNano) },
          'a call was settled of which Redis knows no hold: no window has its cost',
        );
      } else if (state === 'unauthorized') {
        log.warn(
          { ...fields, cost: formatUsd(settled.costNano) },
          'a call was settled that nobody had authorized: it is charged in full',
        );
      } else if (late) {
        log.warn(fields, 'a call was settled after its hold had run out');
      }
    },

    released(order, outcome) {
      const { state, repeat, pending } = outcome;
      metrics.releases.inc({ state: pending ? 'pending' : repeat ? 'repeat' : state });
      const fields = { call_id: outcome.callId, agent: order.identity.agent, why: order.why };
      if (pending) log.warn({ ...fields, reason: pending }, 'a release waits for Redis');
      else log.debug({ ...fields, state }, 'released');
    },
  };
}
