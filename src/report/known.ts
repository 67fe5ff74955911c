import type { Sums } from '../model/spend.js';
import { PRICE_TABLE } from '../pricing/table.js';
import type { Spend } from '../store/spend.js';
import { formatDay, formatMoment } from './dates.js';
import { percent, roundUsd } from './figures.js';
import { ledgerNotes } from './ledger-notes.js';
import type { Period } from './period.js';

const HOUR_MS = 3_600_000;

/** How the money of an answer is known, in one line. */
export function howKnown(sums: Sums): string {
  const { costNano, unsettledNano, assumedNano, unauthorizedNano } = sums;
  const prices = `price table of ${PRICE_TABLE.date}`;
  if (costNano <= 0n) return `nothing was spent; ${prices}`;
  const share = (nano: bigint) => Number(nano) / Number(costNano);
  return (
    `${percent(share(costNano - unsettledNano))} settled, ${percent(share(unsettledNano))} unsettled, ` +
    `${percent(share(assumedNano))} assumed price, ${roundUsd(unauthorizedNano)} unauthorized; ${prices}`
  );
}

export interface Gaps {
  readonly notes: readonly string[];
  /** The period before is known, at least in part; or as a whole. */
  readonly comparable: boolean;
  readonly whole: boolean;
  /** Undefined if nothing is known. */
  readonly sinceMs: number | undefined;
}

/** What is missing from the spend of these periods: the current one, then what it is compared with. */
export async function gapsOf(
  spend: Spend,
  timezone: string,
  period: Period,
  before: Period,
): Promise<Gaps> {
  const known = await spend.known();
  if (!known) {
    const note =
      'nothing has been recorded yet: no sidecar of this domain has authorized a call (--domain names another one)';
    return { notes: [note], comparable: false, whole: false, sinceMs: undefined };
  }
  const { sinceMs, untilMs } = known;
  const notes = ledgerNotes(known, timezone, period, before);
  const since = formatDay(sinceMs, timezone);
  if (sinceMs >= before.untilMs)
    notes.push(`spend is known from ${since} on: nothing to compare with`);
  else if (sinceMs > before.fromMs) {
    notes.push(
      `spend is known from ${since} on, so the period before (${before.name}) is not whole`,
    );
  }
  if (period.untilMs - untilMs > HOUR_MS) {
    notes.push(
      `spend is summed up only until ${formatMoment(untilMs, timezone)}: what came later is not in this answer; see whether a keeper runs`,
    );
  }
  return { notes, comparable: sinceMs < before.untilMs, whole: sinceMs <= before.fromMs, sinceMs };
}
