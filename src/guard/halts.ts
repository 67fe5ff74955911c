import { EVERYONE, type Halt } from '../model/halt.js';

/** Halted agents that are remembered for when Redis is away; past that the oldest is forgotten. */
const MAX_REMEMBERED = 1_000;

/** The halts that were last seen in Redis: they stay in force while it gives no answer. */
export class Halts {
  readonly #halts = new Map<string, Halt>();

  /** Redis has denied a call of the agent for this halt. */
  seen(domain: string, agent: string, halt: Halt): void {
    const key = keyOf(domain, halt.agent === EVERYONE ? EVERYONE : agent);
    this.#halts.delete(key);
    this.#halts.set(key, halt);
    const [oldest = ''] = this.#halts.keys();
    if (this.#halts.size > MAX_REMEMBERED) this.#halts.delete(oldest);
  }

  /** Redis has answered for the agent, and no halt stopped it. */
  gone(domain: string, agent: string): void {
    if (this.#halts.size === 0) return;
    this.#halts.delete(keyOf(domain, agent));
    this.#halts.delete(keyOf(domain, EVERYONE));
  }

  /** The halt that stops the agent as far as is known; by this process' own clock. */
  of(domain: string, agent: string): Halt | undefined {
    if (this.#halts.size === 0) return undefined;
    const nowUs = Date.now() * 1000;
    return [EVERYONE, agent]
      .map((name) => this.#halts.get(keyOf(domain, name)))
      .find((halt) => halt && (halt.untilUs === 0 || halt.untilUs > nowUs));
  }
}

function keyOf(domain: string, agent: string): string {
  return `${domain}\n${agent}`;
}
