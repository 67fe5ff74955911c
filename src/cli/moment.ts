import { DateTime } from 'luxon';
import { dayStartMs, dayStartsMs } from '../policy/days.js';
import { UsageError } from './command.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** A date, and the time of its day if there is one. Other ISO texts, such as a month, would be read as their first day. */
const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}\S*)?$/;

/** Two days in milliseconds: the next day begins within them, however the clocks change. */
const TWO_DAYS_MS = 2 * 86_400_000;

export const MOMENT_HELP = `a date (2026-03-08, today, yesterday), a date and a time (2026-03-08T09:30, in the policy's
                          timezone unless it says otherwise), or a time ago (90m, 24h, 7d)`;

/**
 * The moment that an option names, ms since the Unix epoch.
 * @param edge of a date without a time: where its day begins, or where it ends
 */
export function momentMs(
  option: string,
  text: string | undefined,
  edge: 'start' | 'end',
  timezone: string,
  nowMs = Date.now(),
): number | undefined {
  if (text === undefined) return undefined;
  const ago = /^(\d{1,6})([smhdw])$/.exec(text);
  if (ago) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  if (text === 'now') return nowMs;
  const written = DATE.test(text) ? text.replace(' ', 'T') : dateNamed(text, timezone, nowMs);
  const date = DateTime.fromISO(written, { zone: timezone });
  if (!date.isValid) {
    throw new UsageError(`--${option} "${text}" is no time: ${MOMENT_HELP.replace(/\s+/g, ' ')}`);
  }
  if (text.includes(':')) return date.toMillis();
  // Noon, since midnight is not in the day where clocks skip it.
  const startMs = dayStartMs(timezone, date.plus({ hours: 12 }).toMillis());
  if (edge === 'start') return startMs;
  return dayStartsMs(timezone, startMs + 1, startMs + TWO_DAYS_MS)[0];
}

/** The options --from and --to, which must be in their order. */
export function periodMs(
  values: { from?: string | undefined; to?: string | undefined },
  timezone: string,
): { fromMs: number | undefined; toMs: number | undefined } {
  const fromMs = momentMs('from', values.from, 'start', timezone);
  const toMs = momentMs('to', values.to, 'end', timezone);
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw new UsageError('--from must be before --to');
  }
  return { fromMs, toMs };
}

/** The date of today or yesterday; '' for another text. */
function dateNamed(text: string, timezone: string, nowMs: number): string {
  const today = DateTime.fromMillis(nowMs, { zone: timezone });
  if (text === 'today') return today.toISODate() ?? '';
  return text === 'yesterday' ? (today.minus({ days: 1 }).toISODate() ?? '') : '';
}
