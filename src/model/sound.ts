import type { Entry } from './entry.js';

/** What may be below nothing: moments, and a grant that takes away. */
const SIGNED: ReadonlySet<string> = new Set(['timestampMs', 'fromMs', 'toMs', 'add']);

/** The years 0 to 9999, which every form of a date can say. */
const FIRST_MS = -62_167_219_200_000;
const LAST_MS = 253_402_300_799_999;

/**
 * Can the entry be? No script writes another; somebody's hand could, and one of them would spoil a sum, or
 * stop whoever reads the ledger. So it is looked at once, where entries are read, and by nobody after that.
 */
export function isSound(entry: Entry): boolean {
  if (!isMoment(entry.atMs) || !isWhole(entry)) return false;
  return !('facts' in entry) || isMoment(entry.facts.timestampMs ?? 0);
}

function isMoment(ms: number): boolean {
  return ms >= FIRST_MS && ms <= LAST_MS;
}

/** Every number in it is whole and exact, whatever it is of. */
function isWhole(value: object): boolean {
  // Not Object.entries, which would take twice as long: this is done for every entry that is read.
  for (const name in value) {
    const part: unknown = value[name as keyof typeof value];
    if (typeof part === 'number') {
      if (!Number.isSafeInteger(part) || (part < 0 && !SIGNED.has(name))) return false;
    } else if (typeof part === 'object' && part !== null && !isWhole(part)) return false;
  }
  return true;
}
