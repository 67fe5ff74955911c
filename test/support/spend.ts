import type { Entry, EventEntry } from '../../src/model/entry.js';
import { addSums, noSums, postingOf, type SpendAttributes } from '../../src/model/spend.js';
import { dayStartMs, hourStartMs } from '../../src/policy/days.js';
import type { PolicyText, Spend, SpendRow } from '../../src/store/spend.js';

const EVENTS = ['halted', 'resumed', 'granted', 'threshold', 'policy', 'annotation'];

/** The spend of entries, added up in memory as plainly as can be: a reference for the real one. */
export function spendOf(
  entries: readonly Entry[],
  timezone = 'UTC',
  labels: readonly string[] = [],
  policies: ReadonlyMap<string, PolicyText> = new Map(),
  /** Up to when all is known. */
  untilMs = Number.MAX_SAFE_INTEGER,
): Spend {
  const attributes = new Map<string, SpendAttributes>();
  const rows = { hour: new Map<string, SpendRow>(), day: new Map<string, SpendRow>() };
  for (const entry of entries) {
    const posting = postingOf(entry, labels);
    if (!posting) continue;
    const key = JSON.stringify(posting.attributes);
    const shared = attributes.get(key) ?? posting.attributes;
    attributes.set(key, shared);
    for (const grain of ['hour', 'day'] as const) {
      const startOf = grain === 'hour' ? hourStartMs : dayStartMs;
      const startMs = startOf(timezone, posting.atMs);
      const row = rows[grain].get(`${startMs} ${key}`) ?? {
        startMs,
        attributes: shared,
        sums: noSums(),
      };
      addSums(row.sums, posting.sums);
      rows[grain].set(`${startMs} ${key}`, row);
    }
  }
  return {
    async *rows(grain, startsMs, only = () => true) {
      const starts = new Set(startsMs);
      yield [...rows[grain].values()].filter(
        (row) => starts.has(row.startMs) && only(row.attributes),
      );
    },
    async events(fromMs, toMs) {
      return entries.filter(
        (entry): entry is EventEntry =>
          EVENTS.includes(entry.kind) && entry.atMs >= fromMs && entry.atMs < toMs,
      );
    },
    async agents() {
      return new Set([...rows.day.values()].map((row) => row.attributes.agent));
    },
    async policies() {
      return policies;
    },
    async known() {
      const [first, last] = [entries[0], entries.at(-1)];
      if (!first || !last) return undefined;
      const zones = [{ timezone, fromMs: 0 }];
      const none = { entries: 0, lastMs: undefined };
      const missing = { lost: none, aside: none, crowdedMs: undefined, aheadMs: 0 };
      const as = { forgotten: false, zones, policyTimezone: undefined, ...missing };
      return { sinceMs: first.atMs, untilMs: Math.max(last.atMs, untilMs), ...as };
    },
  };
}
