import { type Folder, madeBy } from '../store/commit.js';
import type { FoldState } from '../store/fold-state.js';

/**
 * How long nobody may have folded before a keeper that is not folding begins to: the one that does folds
 * every second. Up to twice as long, so that a fleet of them does not begin at once.
 */
const STANDBY_MS = 3_000;

/**
 * Which of several keepers folds. No promise rests on it, since a commit is refused if another came
 * first; it spares Redis the batches of those who come second.
 */
export class Turns {
  readonly #folder: Folder;
  readonly #standbyMs = STANDBY_MS * (1 + Math.random());
  readonly #others = new Map<string, { keeper: string; sinceMs: number }>();

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** May this keeper fold, as the state of the domain is now? */
  isOurs(domain: string, { keeper }: FoldState, nowMs: number): boolean {
    if (keeper === '' || madeBy(this.#folder, keeper)) return true;
    const seen = this.#others.get(domain);
    if (seen?.keeper === keeper) return nowMs - seen.sinceMs >= this.#standbyMs;
    this.#others.set(domain, { keeper, sinceMs: nowMs });
    return false;
  }

  /** Forgets domains that are there no more. */
  keepOnly(domains: ReadonlySet<string>): void {
    for (const domain of this.#others.keys()) {
      if (!domains.has(domain)) this.#others.delete(domain);
    }
  }
}
