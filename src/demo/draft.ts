import type { Entry } from '../model/entry.js';

type WithoutId<T> = T extends unknown ? Omit<T, 'id' | 'atMs'> : never;

/** An entry before it is written: the moment and the id come then. */
export type Draft = WithoutId<Entry>;

/** Something that happens at a moment, and what the ledger is to keep of it. */
export interface Happening {
  readonly atMs: number;
  happen(): readonly Draft[];
}
