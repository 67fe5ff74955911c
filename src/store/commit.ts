import { randomBytes } from 'node:crypto';
import type { EventEntry } from '../model/entry.js';
import type { Connection } from '../redis/connection.js';
import type { Batch } from './batch.js';
import { type FoldState, formatFoldState } from './fold-state.js';
import {
  asideKey,
  attributesKey,
  eventsKey,
  foldKey,
  numbersKey,
  openKeys,
  seenKey,
  thresholdsKey,
} from './keys.js';
import { numberedFields, type Placed } from './place.js';
import { formatSums } from './sums.js';
import type { Unused } from './unused.js';

/** Who folds: a name that no other process has. */
export type Folder = string;

/** A process that folds makes one of these for itself. */
export function newFolder(): Folder {
  return randomBytes(6).toString('base64url');
}

/** Was a commit made by this folder? */
export function madeBy(folder: Folder, commit: string): boolean {
  return commit.startsWith(`${folder} `);
}

/** What a commit stores. */
export interface Commit {
  readonly changes: Partial<FoldState>;
  readonly batch: Batch;
  readonly placed: Placed;
  readonly unused: Unused;
  /** Entries that nobody could read, as text. */
  readonly aside: readonly string[];
}

/**
 * Stores a batch, if nothing was folded since `before` was read.
 * @returns whether it is stored
 */
export async function commitBatch(
  connection: Connection,
  domain: string,
  folder: Folder,
  before: FoldState,
  { changes, batch, placed, unused, aside }: Commit,
): Promise<boolean> {
  const { ends, calls } = openKeys(domain);
  // Random, since a number could come again after Redis has lost its last writes.
  const commit = `${folder} ${randomBytes(6).toString('base64url')}`;
  const { attributes, numbers } = numberedFields(placed.numbered);
  const closed = [...batch.closed];
  const opened = [...batch.opened];
  const args: (string | number)[] = [before.commit];
  const list = (values: readonly (string | number)[]) => {
    args.push(values.length);
    for (const value of values) args.push(value);
  };
  list(formatFoldState({ ...changes, commit }));
  list(unused.numbers);
  list(unused.digests);
  list(unused.numbers);
  list(attributes);
  list(numbers);
  list([...placed.seen].flatMap(([number, dayMs]) => [dayMs, number.toString(36)]));
  list(closed);
  list(closed);
  list(opened.flatMap(([key, { endMs }]) => [endMs, key]));
  list(opened.flatMap(([key, { text }]) => [key, text]));
  const isThreshold = ({ kind }: EventEntry) => kind === 'threshold';
  const scored = (event: EventEntry) => [event.atMs, JSON.stringify(event)];
  list(batch.events.filter((event) => !isThreshold(event)).flatMap(scored));
  list(batch.events.filter(isThreshold).flatMap(scored));
  list(aside);
  for (const { expiresAtMs, sums } of placed.shards) {
    args.push(expiresAtMs);
    list([...sums].flatMap(([number, row]) => [number.toString(36), formatSums(row)]));
  }
  const keys = [
    foldKey(domain),
    attributesKey(domain),
    numbersKey(domain),
    seenKey(domain),
    ends,
    calls,
    eventsKey(domain),
    thresholdsKey(domain),
    asideKey(domain),
    ...placed.shards.map(({ key }) => key),
  ];
  const [stored] = await connection.run('fold', keys, args);
  return stored === 1;
}
