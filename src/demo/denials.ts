import { commonFacts } from '../guard/denials.js';
import { STAND_INS } from '../model/denier.js';
import type { Facts } from '../model/entry.js';
import type { Denial } from './budget.js';
import type { PlannedCall } from './call.js';
import type { Draft } from './draft.js';

const SECOND_MS = 1_000;

interface Sum extends Omit<Denial, 'raised'> {
  readonly facts: Facts;
  run: string;
  calls: number;
  costNano: number;
  tokensIn: number;
  tokensOut: number;
  readonly costSource: PlannedCall['held']['costSource'];
  readonly firstUs: number;
  lastUs: number;
}

/** Denied calls, summed for each second as a sidecar sums them. */
export interface Denials {
  /** @returns when the sum must be written, if this call is the first of one; then {@link flush} it */
  add(
    call: PlannedCall,
    denial: Omit<Denial, 'raised'>,
  ): { key: string; dueMs: number } | undefined;
  flush(key: string): Draft[];
}

export function createDenials(): Denials {
  const sums = new Map<string, Sum>();
  return {
    add({ atMs, facts, held }, denial) {
      const { rule } = denial;
      const second = Math.floor(atMs / SECOND_MS);
      const common = commonFacts(facts);
      const key = JSON.stringify([second, rule, denial.partition, common]);
      const known = sums.get(key);
      const atUs = atMs * 1000;
      if (known) {
        known.calls += 1;
        known.costNano += held.costNano;
        known.tokensIn += held.tokensIn;
        known.tokensOut += held.tokensOut;
        known.lastUs = atUs;
        known.run = facts.run;
        return undefined;
      }
      const { partition, used, limit, retryAtUs } = denial;
      sums.set(key, {
        ...{ rule, partition, used, limit, retryAtUs },
        ...held,
        facts: common,
        run: facts.run,
        calls: 1,
        firstUs: atUs,
        lastUs: atUs,
      });
      return { key, dueMs: (second + 1) * SECOND_MS };
    },

    flush(key) {
      const sum = sums.get(key);
      if (!sum) return [];
      sums.delete(key);
      const {
        facts,
        run,
        calls,
        firstUs,
        lastUs,
        rule,
        partition,
        used,
        limit,
        retryAtUs,
        ...asked
      } = sum;
      const metric = rule === STAND_INS.halt ? undefined : ('estimated_cost_usd' as const);
      const window = { metric, used, limit, retryAtUs };
      const about = { rule, partition, facts, calls, firstUs, lastUs, run };
      // In the plan every call is asked once.
      const askedAgain = { costNano: 0, tokensIn: 0, tokensOut: 0 };
      return [{ kind: 'denied', ...about, asked, askedAgain, ...window }];
    },
  };
}
