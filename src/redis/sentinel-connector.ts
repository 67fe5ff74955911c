import type { Socket } from 'node:net';
import { type OnRole, StreamConnector, type Target } from './connector.js';
import { nameOf, openSentinel, type Sentinel, type SentinelOptions } from './sentinel.js';
import { reasonOf } from './tls.js';

/** Sentinels that are remembered beside those of the settings: five watch a large fleet. */
const MAX_FOUND = 16;

/**
 * How often a sentinel is asked whether the master is still the master. A master that is replaced while it lives goes
 * on answering for some ten seconds, and what it answers is lost: so much of it at most.
 */
const WATCH_MS = 1_000;

/** A fleet that was started at once does not ask at once. */
const JITTER_MS = 200;

export interface SentinelConnectorOptions extends SentinelOptions {
  readonly onRole: OnRole;
}

/**
 * The connector of a client of the master that sentinels name, asked at each connect and while it lives. That of ioredis
 * asks without names for TLS, waits for a frozen sentinel for ever, and keeps to itself why one gave no answer.
 */
export function sentinelConnector(options: SentinelConnectorOptions): new () => StreamConnector {
  const { onRole } = options;
  const { onFailure } = options.streams;
  return class extends StreamConnector {
    /** In the order in which they are asked. */
    #known: readonly Target[] = options.sentinels;
    #named: { readonly master: Target; readonly by: Target } | undefined;

    constructor() {
      super(options.streams);
    }

    override async connect(): Promise<Socket> {
      // Why the last one failed says nothing of this one.
      onFailure(undefined);
      const stream = await super.connect();
      if (this.#named) this.#watch(stream, this.#named.master);
      return stream;
    }

    /** A replica that was a master until now, or is not one yet, is none: another sentinel may know better. */
    override check({ role }: { role?: string }): boolean {
      onRole(role);
      if (role === undefined || role === 'master' || !this.#named) return true;
      const { master, by } = this.#named;
      onFailure(new Error(`sentinel ${nameOf(by)} names ${nameOf(master)}, which is a replica`));
      this.#putLast(by);
      return false;
    }

    protected override async target(): Promise<Target> {
      let why = '';
      for (const by of this.#known) {
        const sentinel = openSentinel(by, options);
        try {
          const master = await sentinel.master();
          if (master) {
            // Another sentinel is no answer's worth of waiting, and a right of its own.
            this.#remember(by, await sentinel.others().catch(() => []));
            this.#named = { master, by };
            return master;
          }
          why = `sentinel ${nameOf(by)} knows no master "${options.master}"`;
        } catch (error) {
          why = `sentinel ${nameOf(by)}: ${reasonOf(error)}`;
        } finally {
          sentinel.close();
        }
      }
      throw new Error(`no sentinel names the master: ${why}`);
    }

    /** Ends the stream once another is the master. It asks one sentinel at a time, over one connection. */
    #watch(stream: Socket, master: Target): void {
      let sentinel: Sentinel | undefined;
      let asking = false;
      const look = async () => {
        if (asking) return;
        const [by] = this.#known;
        if (!by) return;
        asking = true;
        try {
          sentinel ??= openSentinel(by, options);
          const now = await sentinel.master();
          if (!now) throw new Error('it knows none');
          if (nameOf(now) !== nameOf(master)) {
            stream.destroy(new Error(`the sentinels name another master, ${nameOf(now)}`));
          }
        } catch {
          // The master is there all the same: the next one is asked in a second.
          sentinel?.close();
          sentinel = undefined;
          if (!stream.destroyed) this.#putLast(by);
        } finally {
          asking = false;
        }
      };
      const timer = setInterval(() => void look(), WATCH_MS + Math.random() * JITTER_MS);
      timer.unref();
      stream.once('close', () => {
        clearInterval(timer);
        sentinel?.close();
      });
    }

    /** Those of the settings and those that were found, the one that has answered first. */
    #remember(answered: Target, found: readonly Target[]): void {
      const now = new Map<string, Target>();
      for (const one of [answered, ...options.sentinels, ...found]) {
        if (now.size < options.sentinels.length + MAX_FOUND) now.set(nameOf(one), one);
      }
      // In the order of before, so that one that was put last stays there.
      const before = this.#known.filter((one) => now.has(nameOf(one)));
      this.#known = firstOf([answered, ...before, ...now.values()]);
    }

    #putLast(one: Target): void {
      const others = this.#known.filter((known) => nameOf(known) !== nameOf(one));
      this.#known = [...others, one];
    }
  };
}

/** Each once, where it is first. */
function firstOf(all: readonly Target[]): Target[] {
  const once = new Map<string, Target>();
  for (const one of all) if (!once.has(nameOf(one))) once.set(nameOf(one), one);
  return [...once.values()];
}
