import type { Sums } from '../model/spend.js';
import { dayStartMs } from '../policy/days.js';
import { PRICE_TABLE } from '../pricing/table.js';
import type { Spend } from '../store/spend.js';
import { formatDay, formatMoment } from './dates.js';
import { percent, roundUsd } from './figures.js';
import { ledgerNotes } from './ledger-notes.js';
import type { Period } from './period.js';

const HOUR_MS = 3_600_000;
/** Of what is known of a time, less says nothing of all of it: some weekday is missing. */
const LEAST_KNOWN_DAYS = 7;

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
  /** Enough of the period before is known to compare with. */
  readonly comparable: boolean;
  /** How much of it is known: 1 is all. */
  readonly part: number;
  /** When the day began of the first that is known; undefined if nothing is known. */
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
    return { notes: [note], comparable: false, part: 0, sinceMs: undefined };
  }
  const { untilMs } = known;
  // The first call comes some time after its day begins, and nothing is missing of that day.
  const sinceMs = dayStartMs(timezone, known.sinceMs);
  const knownMs = before.untilMs - Math.max(before.fromMs, sinceMs);
  const whole = sinceMs <= before.fromMs;
  const knownDays = before.days.filter((ms) => ms >= sinceMs).length;
  const comparable = whole || knownDays >= LEAST_KNOWN_DAYS;
  const notes = ledgerNotes(known, timezone, period, before);
  const since = formatDay(sinceMs, timezone);
  if (sinceMs >= before.untilMs)
    notes.push(`spend is known from ${since} on: nothing to compare with`);
  else if (sinceMs > before.fromMs) {
    notes.push(
      `spend is known from ${since} on, so the period before (${before.name}) is not whole${comparable ? '' : ', and under a week of it is nothing to compare with'}`,
    );
  }
  if (period.untilMs - untilMs > HOUR_MS) {
    notes.push(
      `spend is summed up only until ${formatMoment(untilMs, timezone)}: what came later is not in this answer; see whether a keeper runs`,
    );
  }
  const part = whole ? 1 : Math.max(0, knownMs / (before.untilMs - before.fromMs));
  return { notes, comparable, part, sinceMs };
}
