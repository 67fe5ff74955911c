import type { Amounts } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { Metrics } from '../telemetry/metrics.js';

/** What a metric of calls tells them apart by. */
type Told = Pick<Call, 'agent' | 'team' | 'costCentre' | 'tool' | 'model'>;

export interface Spending {
  /** A call was admitted; its spend comes when it is settled. */
  admitted(call: Told): void;
  /** A call has cost so much: once for each call. */
  spent(call: Told, amounts: Amounts): void;
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
      if (tokensIn > 0) tokens.inc({ ...labels, type: 'in' }, tokensIn);
      if (tokensOut > 0) tokens.inc({ ...labels, type: 'out' }, tokensOut);
    },
  };
}

function labelsOf({ agent, team, costCentre, tool, model }: Told) {
  return { agent, team, cost_centre: costCentre, tool, model };
}
