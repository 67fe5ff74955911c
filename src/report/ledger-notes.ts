import type { Known } from '../store/spend.js';
import { formatDay, formatMoment } from './dates.js';
import type { Period } from './period.js';

/** What a reader must know of how the spend of these periods was summed up: the current one, and that before. */
export function ledgerNotes(
  { sinceMs, forgotten, zones, policyTimezone }: Known,
  timezone: string,
  period: Period,
  before: Period,
): string[] {
  const notes: string[] = [];
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
