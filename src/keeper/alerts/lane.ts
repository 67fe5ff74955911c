/** Messages of one route that wait for their turn; past that the last ones are given up: nobody reads a thousand. */
const MAX_WAITING = 1_000;

/** A piece of work that waits for its turn. */
interface Turn {
  readonly work: () => Promise<void>;
  readonly giveUp: () => void;
}

/** What one route is told, one after another: what is urgent first, else in the order in which it came. */
export class Lane {
  readonly #urgent: Turn[] = [];
  readonly #rest: Turn[] = [];
  #running = false;

  /** @param giveUp is called instead of the work where too many wait */
  add(urgent: boolean, work: () => Promise<void>, giveUp: () => void): void {
    (urgent ? this.#urgent : this.#rest).push({ work, giveUp });
    if (this.#urgent.length + this.#rest.length > MAX_WAITING) {
      (this.#rest.pop() ?? this.#urgent.pop())?.giveUp();
    }
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (;;) {
      const next = this.#urgent.shift() ?? this.#rest.shift();
      if (!next) break;
      await next.work();
    }
    this.#running = false;
  }
}
