import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AlertRoute } from '../../policy/policy.js';
import type { Connection } from '../../redis/connection.js';
import { claimAlert, confirmAlert, type Subject } from '../../store/alerts.js';
import type { Logger } from '../../telemetry/log.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { send } from './send.js';

/** Attempts at one message: over half a minute, which a restart of the receiver takes. */
const MAX_ATTEMPTS = 5;

/** The pause after the first attempt; it doubles. */
const FIRST_PAUSE_MS = 1_000;

/** How long a claim holds: the longest attempt and the longest pause after it, and half as long again. */
const CLAIM_MS = 60_000;

/** How often a keeper looks whether another has told what it has claimed. */
const RECHECK_MS = 1_000;

/** How long nobody tries again what could not be told: it would be the same. */
const GIVEN_UP_MS = 60_000;

/** Messages of one route that wait; past that new ones are given up: nobody reads a thousand. */
const MAX_WAITING = 1_000;

/** One message to one route. */
export interface Delivery {
  readonly domain: string;
  readonly route: AlertRoute;
  readonly body: string;
  /** What is claimed in Redis, so that one of several keepers sends it; undefined if it is ours already. */
  readonly once: { readonly subject: Subject; readonly toldForMs: number } | undefined;
  /** For the metrics. */
  readonly event: string;
}

/** Sends messages: those of one route one after another, each by one keeper, each at least once. */
export class Deliveries {
  readonly #connection: Connection;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #keeper = randomBytes(9).toString('base64url');
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, number>();
  readonly #stop = new AbortController();

  constructor(connection: Connection, metrics: Metrics, log: Logger) {
    this.#connection = connection;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Resolves when it was told, by whichever keeper, or is given up; never rejects. */
  async deliver(delivery: Delivery): Promise<void> {
    const { name } = delivery.route;
    const waiting = this.#waiting.get(name) ?? 0;
    if (waiting >= MAX_WAITING) {
      this.#giveUp(delivery, `${MAX_WAITING} messages wait for it already`);
      return;
    }
    this.#count(name, 1);
    try {
      while (!this.#stop.signal.aborted && !(await this.#inLane(delivery))) {
        await this.#pause(RECHECK_MS);
      }
    } finally {
      this.#count(name, -1);
    }
  }

  /** Ends the pauses; what was not told is claimed by another keeper, or by this one when it is back. */
  close(): void {
    this.#stop.abort();
  }

  /** In its turn among those of its route. @returns false if it must be looked at again */
  #inLane(delivery: Delivery): Promise<boolean> {
    const { name } = delivery.route;
    const done = (this.#lanes.get(name) ?? Promise.resolve()).then(() => this.#tell(delivery));
    this.#lanes.set(
      name,
      done.then(() => {}),
    );
    return done;
  }

  async #tell(delivery: Delivery): Promise<boolean> {
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      const claim = await this.#claim(delivery);
      if (claim === 'told') return true;
      if (claim !== 'ours') return false;
      const sent = await send(delivery.route, delivery.body, Date.now());
      if (sent.sent) {
        this.#metrics.alertsSent.inc({ route: delivery.route.name, event: delivery.event });
        await this.#confirm(delivery, delivery.once?.toldForMs ?? 0);
        return true;
      }
      if (!sent.again || attempt >= MAX_ATTEMPTS) {
        this.#giveUp(delivery, sent.why);
        await this.#confirm(delivery, GIVEN_UP_MS);
        return true;
      }
      const { name } = delivery.route;
      this.#log.warn(
        { route: name, why: sent.why, attempt },
        'an alert was not taken; it is tried again',
      );
      await this.#pause(Math.max(sent.afterMs, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
    return true;
  }

  async #claim({ once, domain, route }: Delivery): Promise<'ours' | 'theirs' | 'told' | 'unknown'> {
    if (!once) return 'ours';
    try {
      const { subject } = once;
      return await claimAlert(
        this.#connection,
        domain,
        route.name,
        subject,
        this.#keeper,
        CLAIM_MS,
      );
    } catch {
      // Redis is away, which is said elsewhere.
      return 'unknown';
    }
  }

  async #confirm({ once, domain, route }: Delivery, forMs: number): Promise<void> {
    if (!once) return;
    try {
      await confirmAlert(this.#connection, domain, route.name, once.subject, forMs);
    } catch (error) {
      this.#log.debug({ err: error }, 'an alert could not be marked as told: it may be told twice');
    }
  }

  #giveUp({ route, event }: Delivery, why: string): void {
    this.#metrics.alertsFailed.inc({ route: route.name });
    this.#log.error(
      { route: route.name, event, why },
      'an alert could not be told and is given up: correct the URL of the route, or its receiver',
    );
  }

  #count(route: string, by: 1 | -1): void {
    this.#waiting.set(route, (this.#waiting.get(route) ?? 0) + by);
    this.#metrics.alertsWaiting.set([...this.#waiting.values()].reduce((all, one) => all + one, 0));
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    await wait(ms, undefined, { signal, ref: false }).catch(() => {});
  }
}
