/** Scrapers that are told apart, by a bit of a small integer; past that the rest are one. A server has a few. */
const MAX_SCRAPERS = 30;

/** Of what a client says of itself this much tells it apart. */
const MAX_NAME_CHARS = 200;

/** Who reads the metrics. */
export interface Scraper {
  /** One bit, its own. */
  readonly bit: number;
  /** When it first came, ms of the clock of {@link Scrapers}. */
  readonly sinceMs: number;
}

/** What remembers by whom it was seen, by the bits of scrapers. */
export interface Seen {
  seenBy: number;
}

/** One reading of all metrics, family by family. */
export interface Scrape {
  /** Renders for who reads; what `render` does before its first await counts. */
  as<T>(render: () => T): T;
  /** Nobody got it: what it was the first to show is shown once more. */
  lost(): void;
}

/** Who reads the metrics just now: each has series to see that others have seen before. */
export interface Scrapers {
  current(): Scraper;
  nowMs(): number;
  /** Notes that the current scraper sees this for the first time. */
  sees(series: Seen): void;
  /** Whoever is called so begins to read. */
  begin(name: string): Scrape;
}

/** @param nowMs a clock that never steps back */
export function createScrapers(nowMs: () => number = () => performance.now()): Scrapers {
  const known = new Map<string, Scraper>();
  /** Where nobody is named: this process itself. */
  const nobody: Scraper = { bit: 1 << MAX_SCRAPERS, sinceMs: nowMs() };
  let rest: Scraper | undefined;
  let current = nobody;
  let first: Seen[] = [];

  function find(name: string): Scraper {
    const found = known.get(name);
    if (found) return found;
    if (known.size === MAX_SCRAPERS - 1) {
      rest ??= { bit: 1 << (MAX_SCRAPERS - 1), sinceMs: nowMs() };
      return rest;
    }
    const scraper = { bit: 1 << known.size, sinceMs: nowMs() };
    known.set(name, scraper);
    return scraper;
  }

  return {
    current: () => current,
    nowMs,
    sees(series) {
      series.seenBy |= current.bit;
      first.push(series);
    },
    begin(name) {
      const scraper = find(name.slice(0, MAX_NAME_CHARS));
      const seen: Seen[] = [];
      return {
        as(render) {
          [current, first] = [scraper, seen];
          try {
            return render();
          } finally {
            [current, first] = [nobody, []];
          }
        },
        lost() {
          for (const series of seen.splice(0)) series.seenBy &= ~scraper.bit;
        },
      };
    },
  };
}
