import type { Entry } from '../../src/model/entry.js';
import { addSums, noSums, postingOf, type Sums } from '../../src/model/spend.js';
import type { Side } from '../../src/report/cause.js';

/** What entries add up to, plainly. */
export function sideOf(entries: Iterable<Entry>, days: number): Side {
  const sums = noSums();
  const byModel = new Map<string, Sums>();
  const byTool = new Map<string, Sums>();
  for (const entry of entries) {
    const posting = postingOf(entry);
    if (!posting) continue;
    addSums(sums, posting.sums);
    addTo(byModel, posting.attributes.model, posting.sums);
    addTo(byTool, posting.attributes.tool, posting.sums);
  }
  return { days, sums, byModel, byTool };
}

function addTo(by: Map<string, Sums>, key: string, more: Sums): void {
  const sums = by.get(key) ?? noSums();
  addSums(sums, more);
  by.set(key, sums);
}

/** A side of so many calls, tokens and USD for each tool and model. */
export function plainSide(
  days: number,
  ...rows: {
    tool?: string;
    model?: string;
    calls: number;
    tokensIn?: number;
    tokensOut?: number;
    usd: number;
  }[]
): Side {
  const sums = noSums();
  const byModel = new Map<string, Sums>();
  const byTool = new Map<string, Sums>();
  for (const { tool = '', model = '', calls, tokensIn = 0, tokensOut = 0, usd } of rows) {
    const costNano = BigInt(Math.round(usd * 1e9));
    const more = { ...noSums(), calls, tokensIn, tokensOut, costNano };
    addSums(sums, more);
    addTo(byModel, model, more);
    addTo(byTool, tool, more);
  }
  return { days, sums, byModel, byTool };
}
