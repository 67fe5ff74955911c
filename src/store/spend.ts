import type { EventEntry } from '../model/entry.js';
import type { SpendAttributes, Sums } from '../model/spend.js';
import type { Zone } from './zones.js';

/** Spend of one hour or day, for one combination of attributes. */
export interface SpendRow {
  /** When its hour or day begins, ms since the Unix epoch. */
  readonly startMs: number;
  /** The same object for the same attributes, so that a Map can be keyed by it. */
  readonly attributes: SpendAttributes;
  readonly sums: Readonly<Sums>;
}

export type Grain = 'hour' | 'day';

/** A policy that took effect. */
export interface PolicyText {
  readonly hash: string;
  /** The file as it was; '' if it was too large to be kept. */
  readonly text: string;
}

/** Entries that are in no sum, and when about there was the last; undefined where that is not known. */
export interface Missing {
  readonly entries: number;
  readonly lastMs: number | undefined;
}

/** What is known of a domain. */
export interface Known {
  /** The first and the last moment that it knows of. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Before the first moment there was more, which is no longer kept. */
  readonly forgotten: boolean;
  /** What counts nowhere: entries that were gone before they were summed up, and that nobody could read. */
  readonly lost: Missing;
  readonly aside: Missing;
  /** When spend was last told apart by less than it has, since attributes were too many; undefined if never. */
  readonly crowdedMs: number | undefined;
  /** How far the newest entry is ahead of the Redis clock. */
  readonly aheadMs: number;
  /** By whose days it is summed up, ascending. */
  readonly zones: readonly Zone[];
  /** What the policy of whoever asks says of that; undefined if it has none. */
  readonly policyTimezone: string | undefined;
}

/** The spend of a domain, as folded from its ledger. Days and hours are those of whoever has opened it. */
export interface Spend {
  /**
   * Rows of the hours or days that begin at one of `startsMs`, in no order; a batch at a time.
   * @param startsMs the starts of days, or whole hours from there (policy/days)
   * @param only reads no other rows, which is cheap for one agent
   */
  rows(
    grain: Grain,
    startsMs: readonly number[],
    only?: (attributes: SpendAttributes) => boolean,
  ): AsyncIterable<readonly SpendRow[]>;
  /** What happened besides calls, in the order of its ids, as far as it is remembered (400 days). */
  events(fromMs: number, toMs: number): Promise<EventEntry[]>;
  /** The policies by hash, as far as they are remembered. */
  policies(): Promise<ReadonlyMap<string, PolicyText>>;
  /** All agents that any row may be of. */
  agents(): Promise<ReadonlySet<string>>;
  /** Undefined if nothing is known. */
  known(): Promise<Known | undefined>;
}
