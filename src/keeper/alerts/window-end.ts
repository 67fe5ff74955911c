import { calendarEdges } from '../../policy/calendar.js';
import type { Rule } from '../../policy/policy.js';

/** Of a rule that is gone, or counts nothing. */
const UNKNOWN_MS = 3_600_000;

/** When what is in the window of a rule now has left it, so that its thresholds can be reached anew. */
export function windowEndMs(rule: Rule | undefined, nowMs: number): number {
  const window = rule?.rateLimit?.window;
  if (!window) return nowMs + UNKNOWN_MS;
  if ('lengthUs' in window) return nowMs + window.lengthUs / 1000;
  return calendarEdges(window.calendar, window.timezone, nowMs * 1000)[2] / 1000;
}
