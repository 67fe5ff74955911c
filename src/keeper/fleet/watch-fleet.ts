import { dayStartMs } from '../../policy/days.js';
import type { Policy } from '../../policy/policy.js';
import type { Connection } from '../../redis/connection.js';
import { monotonicMs } from '../../redis/deadline.js';
import { redisMs } from '../../redis/time.js';
import type { Logger } from '../../telemetry/log.js';
import type { Fleet } from './fleet.js';
import { gentle } from './gentle.js';
import { type NormalDays, normalDays } from './normal.js';
import { createFleetReader, type FleetReader } from './read-fleet.js';

/** Soon enough for people and for scrapes. */
const REST_MS = 2_000;

/** Rests are so many times as long as the reading: it takes a tenth of one core at most, however large the fleet. */
const REST_TIMES = 10;

/** What is usual is read again so often, and on a new day. */
const NORMAL_MS = 300_000;

/** How often it looks whether that is due. */
const NORMAL_LOOK_MS = 5_000;

/** Reads how the fleet stands, again and again. */
export interface FleetWatch {
  /** As it was read last; undefined before the first reading. */
  current(): Fleet | undefined;
  /** Stops when the command that is under way is over; within the silence timeout of the connection. */
  close(): Promise<void>;
}

export interface FleetWatchOptions {
  /** One of its own: what it reads must not make a decision wait, nor the ledger. Closed with it. */
  readonly connection: Connection;
  policy(): Policy;
  readonly log: Logger;
  /** How long it rests at least; default: two seconds. */
  readonly restMs?: number;
  /** Told of each reading. */
  onFleet(fleet: Fleet): void;
}

export function watchFleet(options: FleetWatchOptions): FleetWatch {
  const { connection, policy, log, onFleet, restMs = REST_MS } = options;
  const asked = gentle(stoppable(connection));
  const reader = createFleetReader(asked, policy);
  let fleet: Fleet | undefined;
  let normal: NormalDays[] = [];
  let closed = false;
  const timers = new Set<NodeJS.Timeout>();
  const problems = new Map<string, string>();

  /** After it is closed nothing more is asked. */
  function stoppable(of: Connection): Connection {
    const asking =
      <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        if (closed) throw new Error('the keeper stops');
        return ask(...args);
      };
    return { ...of, run: asking(of.run), command: asking(of.command), bytes: asking(of.bytes) };
  }

  /** Says once what is wrong, and not where it is Redis that has gone: that is said already. */
  function complain(what: string, error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (closed || !connection.ready() || problems.get(what) === problem) return;
    problems.set(what, problem);
    log.error({ err: error }, `${what} could not be read; it is tried again`);
  }

  async function read(): Promise<number> {
    if (!connection.ready()) return restMs;
    const what = 'how the fleet stands';
    try {
      const { timezone } = policy();
      const dayMs = dayStartMs(timezone, Date.now());
      const days = normal.filter((one) => one.timezone === timezone && one.dayMs === dayMs);
      const found = await reader.read(days.flatMap((one) => one.days));
      fleet = found;
      problems.delete(what);
      onFleet(found);
      return Math.max(restMs, found.busyMs * REST_TIMES);
    } catch (error) {
      complain(what, error);
      return restMs;
    }
  }

  /** Takes turns with the other readings, which so need not wait until it is over. */
  const readNormal = normalReader(reader, policy, asked);

  async function compare(): Promise<number> {
    if (!connection.ready() || !fleet) return NORMAL_LOOK_MS;
    const what = 'what agents usually spend';
    try {
      normal = await readNormal(normal);
      problems.delete(what);
    } catch (error) {
      complain(what, error);
    }
    return NORMAL_LOOK_MS;
  }

  /** Does some work again and again, with the rests that it asks for. */
  function repeat(work: () => Promise<number>): { running(): Promise<void> } {
    let running: Promise<void>;
    const round = async () => {
      const forMs = await work();
      if (closed) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        running = round();
      }, forMs);
      timers.add(timer);
    };
    running = round();
    return { running: () => running };
  }

  const rounds = [repeat(read), repeat(compare)];
  return {
    current: () => fleet,
    async close() {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      await Promise.all(rounds.map(({ running }) => running()));
      connection.close();
    },
  };
}

/** Reads what is usual where that is due: each five minutes, and for a new day. */
function normalReader(
  reader: FleetReader,
  policy: () => Policy,
  connection: Connection,
): (before: readonly NormalDays[]) => Promise<NormalDays[]> {
  let dueMs = 0;
  return async (before) => {
    const { timezone } = policy();
    const nowMs = await redisMs(connection);
    const dayMs = dayStartMs(timezone, nowMs);
    const current = before.filter((one) => one.dayMs === dayMs && one.timezone === timezone);
    const startedMs = monotonicMs();
    if (startedMs < dueMs && current.length === before.length) return [...before];
    const found: NormalDays[] = [];
    for (const [domain, { spend }] of reader.spends()) {
      found.push(await normalDays(spend, domain, timezone, nowMs));
    }
    const tookMs = monotonicMs() - startedMs;
    dueMs = startedMs + Math.max(NORMAL_MS, tookMs * REST_TIMES);
    return found;
  };
}
