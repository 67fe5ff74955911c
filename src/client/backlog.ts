import { MAX_TIMER_MS } from './clock.js';
import { failureFrom } from './error.js';
import { textOf } from './text.js';
import type { Warnings } from './warnings.js';

/** Entries of about 2 KB. Beyond them the oldest is lost: a long outage costs 2 MB. */
const MOST = 1_000;

/** Requests in the air at once: nobody waits for them, and authorizing is to have the sidecar. */
const AT_ONCE = 8;

/** The pause after a try that was lost, doubled with each in a row up to the longest. */
const PAUSE_MS = { first: 100, longest: 1_000 };

/** A process that just ends waits so long for what it last added: a sidecar starts anew in less. */
const KEEP_ALIVE_MS = 10_000;

/** What is to be told of a call that is over. Telling it twice does no harm: its call id is known. */
export interface Entry {
  /** E.g. `the settlement of call c to gpt-4o`. */
  readonly name: string;
  /** What is lost with it, for people. */
  readonly loss: string;
  /** One try. @param nth from 0; later ones may take longer */
  tell(nth: number): Promise<void>;
}

/** What is told in the background until it is answered; it delays nobody. Losing an entry is a warning. */
export interface Backlog {
  add(entry: Entry): void;
  /** Has close wait for a call under way, which may yet add something. @param call may reject */
  expect(call: Promise<unknown>): void;
  /** Waits until all is told and no call is under way, or as long as given; then gives up the rest. */
  close(timeoutMs: number): Promise<void>;
}

interface Kept extends Entry {
  tries: number;
  inAir: boolean;
}

export function createBacklog(warnings: Warnings): Backlog {
  /** All that is not answered yet, the oldest first. */
  const kept = new Set<Kept>();
  const underWay = new Set<Promise<unknown>>();
  let tellers = 0;
  /** Tries that were lost since one was answered. */
  let lostInARow = 0;
  let closed = false;
  let whenIdle: (() => void) | undefined;
  let keepAlive: NodeJS.Timeout | undefined;

  function add(entry: Entry): void {
    if (closed) {
      lose(entry, 'the gate is closed');
      return;
    }
    kept.add({ ...entry, tries: 0, inAir: false });
    if (kept.size > MOST) {
      const oldest = next();
      if (oldest) drop(oldest, `over ${MOST} wait for a sidecar`);
    }
    keepAlive ??= setTimeout(sayThatTheyWait, KEEP_ALIVE_MS);
    keepAlive.refresh();
    if (tellers < AT_ONCE) void tellAll();
  }

  /** Tells one after the other, as one of a few. */
  async function tellAll(): Promise<void> {
    tellers += 1;
    for (let entry = next(); entry; entry = next()) {
      entry.inAir = true;
      try {
        await entry.tell(entry.tries);
        lostInARow = 0;
        remove(entry);
      } catch (error) {
        const failure = failureFrom(error);
        if (!failure?.lost) drop(entry, failure?.details ?? textOf(error));
        else await pauseAfter(entry);
      }
    }
    tellers -= 1;
  }

  function pauseAfter(entry: Kept): Promise<void> {
    entry.inAir = false;
    entry.tries += 1;
    const doubledMs = PAUSE_MS.first * 2 ** Math.min(lostInARow, 10);
    lostInARow += 1;
    const ms = Math.min(doubledMs, PAUSE_MS.longest) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      setTimeout(resolve, ms).unref();
    });
  }

  function next(): Kept | undefined {
    for (const entry of kept) if (!entry.inAir) return entry;
    return undefined;
  }

  function remove(entry: Kept): boolean {
    const had = kept.delete(entry);
    if (kept.size === 0) {
      clearTimeout(keepAlive);
      keepAlive = undefined;
    }
    ifIdle();
    return had;
  }

  function drop(entry: Kept, why: string): void {
    if (remove(entry)) lose(entry, why);
  }

  function lose({ name, loss }: Entry, why: string): void {
    warnings.say(`${name} is lost (${why}): ${loss}`);
  }

  function ifIdle(): void {
    if (kept.size + underWay.size === 0) whenIdle?.();
  }

  function sayThatTheyWait(): void {
    keepAlive?.unref();
    warnings.say(
      `no sidecar takes settlements (${kept.size} wait): they are lost if this process ends before it does`,
    );
  }

  return {
    add,
    expect(call) {
      const over = () => {
        underWay.delete(call);
        ifIdle();
      };
      underWay.add(call);
      call.then(over, over);
    },
    async close(timeoutMs) {
      if (kept.size + underWay.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
          whenIdle = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      closed = true;
      for (const entry of kept) drop(entry, 'the gate was closed');
      if (underWay.size > 0) {
        warnings.say(
          `closed while calls were under way (${underWay.size}): they will not be settled`,
        );
      }
    },
  };
}
