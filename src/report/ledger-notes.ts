import type { Known, Missing } from '../store/spend.js';
import { formatDay, formatMoment } from './dates.js';
import type { Period } from './period.js';

/** A clock that was put back by less moves hardly anything to another hour. */
export const AHEAD_MS = 60_000;

/** What a reader must know of how the spend of these periods was summed up: the current one, and that before. */
export function ledgerNotes(
  known: Known,
  timezone: string,
  period: Period,
  before: Period,
): string[] {
  const { sinceMs, untilMs, forgotten, lost, aside, crowdedMs, aheadMs, zones, policyTimezone } =
    known;
  const notes: string[] = [];
  const about = ({ entries, lastMs }: Missing) =>
    entries > 0 && (lastMs === undefined || lastMs >= before.fromMs);
  const last = ({ lastMs }: Missing) =>
    lastMs === undefined ? '' : ` (the last about ${formatMoment(lastMs, timezone)})`;
  if (about(lost)) {
    notes.push(
      `${lost.entries} entries of the ledger were dropped before they were summed up${last(lost)}, so their spend is in no answer: keep a keeper running, or raise ledger.maxEntries`,
    );
  }
  if (about(aside)) {
    notes.push(
      `${aside.entries} entries of the ledger could not be read${last(aside)}, so what they spent is in no answer: the list fold:aside of the domain has them`,
    );
  }
  if (crowdedMs !== undefined && crowdedMs >= before.fromMs) {
    notes.push(
      `spend had more different tools, models and labels than are told apart (10,000 in an hour, 100,000 altogether; the last about ${formatMoment(crowdedMs, timezone)}): the rest is under the tool "other"`,
    );
  }
  if (aheadMs > AHEAD_MS) {
    const newest = formatMoment(untilMs + aheadMs, timezone);
    notes.push(
      `the clock of Redis was put back: what is recorded until ${newest} counts under that time, so it is not in an answer about today`,
    );
  }
  if (forgotten && sinceMs > period.fromMs) {
    const since = formatDay(sinceMs, timezone);
    notes.push(
      `spend is kept for 14 months: of what was before ${since} nothing is known any more, so this time (${period.name}) is not whole`,
    );
  }
  if (policyTimezone !== undefined && policyTimezone !== timezone) {
    notes.push(
      `days are those of ${timezone}, by which this domain is summed up; the policy of this command has ${policyTimezone} (TOLLGATE_POLICY names another file)`,
    );
  }
  for (const [i, { fromMs }] of zones.entries()) {
    const past = zones[i - 1]?.timezone;
    if (past === undefined || fromMs <= before.fromMs || fromMs >= period.untilMs) continue;
    notes.push(`until ${formatMoment(fromMs, timezone)} days are those of ${past}`);
  }
  return notes;
}
