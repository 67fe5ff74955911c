import { formatRanges, type IdRange, parseRanges } from '../model/id-ranges.js';
import type { Connection } from '../redis/connection.js';
import { fieldsOf } from './flat.js';
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
  /** Between which entries all are imported that whoever imported them had. */
  readonly importedRanges: readonly IdRange[];
  readonly importedSinceMs: number | undefined;
  /** Between which entries the stream has lost others, with their spend: both are kept, or come after. */
  readonly gaps: readonly IdRange[];
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
  const fields: { readonly [name in keyof FoldState]?: string } = fieldsOf(
    (await connection.command('HGETALL', foldKey(domain))) as string[],
  );
  const whole = (name: keyof FoldState) => Number(fields[name] ?? 0);
  const since = (name: keyof FoldState) => (fields[name] === undefined ? undefined : whole(name));
  return {
    commit: fields.commit ?? '',
    keeper: fields.keeper ?? '',
    position: fields.position ?? BEGINNING,
    folded: whole('folded'),
    lost: whole('lost'),
    aside: whole('aside'),
    lostMs: since('lostMs'),
    asideMs: since('asideMs'),
    crowdedMs: since('crowdedMs'),
    sinceMs: since('sinceMs'),
    imported: fields.imported ?? BEGINNING,
    importedRanges: rangesIn(fields),
    importedSinceMs: since('importedSinceMs'),
    gaps: parseRanges(fields.gaps ?? ''),
    next: whole('next'),
    freed: whole('freed'),
    hourMs: whole('hourMs'),
    inHour: whole('inHour'),
    importHourMs: whole('importHourMs'),
    inImportHour: whole('inImportHour'),
    sunk: fields.sunk ?? BEGINNING,
    zones: JSON.parse(fields.zones ?? '[]') as Zone[],
    labels: fields.labels === undefined ? undefined : (JSON.parse(fields.labels) as string[]),
  };
}

/** What changes of a state, as fields and values of the hash. */
export function formatFoldState(changes: Partial<FoldState>): (string | number)[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (name === 'importedRanges') return [name, formatRanges(changes.importedRanges ?? [])];
    return [name, typeof value === 'object' ? JSON.stringify(value) : value];
  });
}

/** A state of before has only the first and the last. */
function rangesIn(fields: Readonly<Partial<Record<keyof FoldState, string>>>): IdRange[] {
  const { importedRanges, importedSinceMs, imported: to } = fields;
  if (importedRanges !== undefined) return parseRanges(importedRanges);
  return importedSinceMs === undefined || to === undefined
    ? []
    : [{ from: `${importedSinceMs}-0`, to }];
}
