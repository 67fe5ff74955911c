import type { Amounts } from '../model/amounts.js';
import type { ShortFacts } from '../store/facts.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface Spending {
  /** A call was admitted; its spend comes when it is settled. */
  admitted(call: ShortFacts): void;
  /** A call has cost so much: once for each call. */
  spent(call: ShortFacts, amounts: Amounts): void;
}

/** Counts calls and what they have cost, by who made them and for what. */
export function createSpending({ calls, spend, tokens }: Metrics): Spending {
  return {
    admitted(call) {
      const labels = labelsOf(call);
      calls.inc(labels);
      // Known from here on, so that Prometheus has seen it at 0 when it grows.
      spend.inc(labels, 0);
    },
    spent(call, { costNano, tokensIn, tokensOut }) {
      const labels = labelsOf(call);
      spend.inc(labels, costNano);
      if (tokensIn > 0) tokens.inc(typed(call, 'in'), tokensIn);
      if (tokensOut > 0) tokens.inc(typed(call, 'out'), tokensOut);
    },
  };
}

function labelsOf({ agent, team, costCentre, tool, model }: ShortFacts) {
  return { agent, team, cost_centre: costCentre, tool, model };
}

/** Spelt out: to spread the labels costs more than all the rest of a settlement. */
function typed({ agent, team, costCentre, tool, model }: ShortFacts, type: 'in' | 'out') {
  return { agent, team, cost_centre: costCentre, tool, model, type };
}
