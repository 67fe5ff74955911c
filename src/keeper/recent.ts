import type { DeniedEntry } from '../model/entry.js';
import type { WatchedEntry } from './watch.js';

/** Kinds of denials that are shown: what a person reads. */
const MAX_KINDS = 50;

/** How long a denial is news. */
const NEWS_MS = 15 * 60_000;

/** Denials of one agent by one rule in one window, the last of them told. */
export interface RecentDenial {
  readonly domain: string;
  readonly last: DeniedEntry;
  /** In the last quarter of an hour, as far as they came without a longer pause. */
  readonly calls: number;
}

/** The denials of the last quarter of an hour, the latest first. */
export class Recent {
  readonly #kinds = new Map<string, RecentDenial>();

  add(domain: string, entries: readonly WatchedEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'denied') continue;
      const key = JSON.stringify([domain, entry.rule, entry.partition, entry.facts.agent]);
      const before = this.#kinds.get(key);
      const goesOn = before && entry.atMs - before.last.atMs < NEWS_MS;
      this.#kinds.delete(key);
      const calls = entry.calls + (goesOn ? before.calls : 0);
      this.#kinds.set(key, { domain, last: entry, calls });
      const [oldest = ''] = this.#kinds.keys();
      if (this.#kinds.size > MAX_KINDS) this.#kinds.delete(oldest);
    }
  }

  list(nowMs: number): RecentDenial[] {
    return [...this.#kinds.values()].filter(({ last }) => nowMs - last.atMs < NEWS_MS).reverse();
  }
}
