import type { Connection } from '../redis/connection.js';
import { foldKey } from './keys.js';
import type { Zone } from './zones.js';

/** How far a ledger is folded. */
export interface FoldState {
  /** Names the last commit, and who made it; '' before the first. Another value: something was folded. */
  readonly commit: string;
  /** The same of the last commit of a keeper: commands that fold do nothing else of a keeper's work. */
  readonly keeper: string;
  /** Id of the last entry of the stream that is folded. */
  readonly position: string;
  /** Entries of the stream that were ever folded or set aside. */
  readonly folded: number;
  /** Entries that the stream lost before they were folded. */
  readonly lost: number;
  /** Entries that nobody could read. */
  readonly aside: number;
  /** When there was the last of either, and of spend that was told apart by less than it has; about. */
  readonly lostMs: number | undefined;
  readonly asideMs: number | undefined;
  readonly crowdedMs: number | undefined;
  /** When the first entry of the stream was written; undefined before it is folded. */
  readonly sinceMs: number | undefined;
  /** Id of the last entry that was imported, and when the first of them was written. */
  readonly imported: string;
  readonly importedSinceMs: number | undefined;
  /** The next number for attributes. */
  readonly next: number;
  /** How many numbers are given out no more, since their last rows have ended. */
  readonly freed: number;
  /** The newest hour, and how many different attributes it has: of the stream, and of the import. */
  readonly hourMs: number;
  readonly inHour: number;
  readonly importHourMs: number;
  readonly inImportHour: number;
  /** Id of the last entry that was written to the sink. */
  readonly sunk: string;
  /** By whose days it is summed up, ascending; none before the first commit. */
  readonly zones: readonly Zone[];
  /** The labels over which it is summed up; undefined before the first commit. */
  readonly labels: readonly string[] | undefined;
}

export const BEGINNING = '0-0';

export async function readFoldState(connection: Connection, domain: string): Promise<FoldState> {
  const flat = (await connection.command('HGETALL', foldKey(domain))) as string[];
  const fields = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1] ?? '');
  const whole = (name: keyof FoldState) => Number(fields.get(name) ?? 0);
  const since = (name: keyof FoldState) => (fields.has(name) ? whole(name) : undefined);
  return {
    commit: fields.get('commit') ?? '',
    keeper: fields.get('keeper') ?? '',
    position: fields.get('position') ?? BEGINNING,
    folded: whole('folded'),
    lost: whole('lost'),
    aside: whole('aside'),
    lostMs: since('lostMs'),
    asideMs: since('asideMs'),
    crowdedMs: since('crowdedMs'),
    sinceMs: since('sinceMs'),
    imported: fields.get('imported') ?? BEGINNING,
    importedSinceMs: since('importedSinceMs'),
    next: whole('next'),
    freed: whole('freed'),
    hourMs: whole('hourMs'),
    inHour: whole('inHour'),
    importHourMs: whole('importHourMs'),
    inImportHour: whole('inImportHour'),
    sunk: fields.get('sunk') ?? BEGINNING,
    zones: JSON.parse(fields.get('zones') ?? '[]') as Zone[],
    labels: fields.has('labels') ? (JSON.parse(fields.get('labels') ?? '') as string[]) : undefined,
  };
}

/** What changes of a state, as fields and values of the hash. */
export function formatFoldState(changes: Partial<FoldState>): (string | number)[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [name, typeof value === 'object' ? JSON.stringify(value) : value];
  });
}
