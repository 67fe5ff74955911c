import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AlertRoute } from '../../policy/policy.js';
import type { Connection } from '../../redis/connection.js';
import { type Claim, claimAlert, confirmAlert, type Opening } from '../../store/alerts.js';
import type { Logger } from '../../telemetry/log.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { Lane } from './lane.js';
import { send } from './send.js';

/** Attempts at one message, with pauses of half a minute in all, which a restart of the receiver takes. */
const MAX_ATTEMPTS = 6;

/** The pause after the first attempt; it doubles. */
const FIRST_PAUSE_MS = 1_000;

/** How long a claim holds: the longest attempt and the longest pause after it, and half as long again. */
const CLAIM_MS = 60_000;

/** How often a keeper looks whether another has told what it has claimed. */
const RECHECK_MS = 1_000;

/** How long nobody tries again what could not be told: it would be the same. */
const GIVEN_UP_MS = 60_000;

/** One message to one route. */
export interface Delivery {
  readonly route: AlertRoute;
  /** What is claimed in Redis, so that one of several keepers sends it; undefined if it is ours already. */
  readonly opening: Opening | undefined;
  /** How long it is remembered as told; undefined for as long as an alert is. */
  readonly toldForMs: number | undefined;
  /** Names this message, also where it comes twice. */
  readonly id: string;
  readonly body: string;
  /** For the metrics. */
  readonly event: string;
  /** Goes before what is not. */
  readonly urgent: boolean;
}

/** How a message ended: it was sent, and what it is of is open still, or over; or this keeper has not sent it. */
export type Ended = 'open' | 'over' | 'unsent';

/** Sends messages: those of one route one after another, each by one keeper, each at least once. */
export class Deliveries {
  readonly #connection: Connection;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #keeper = randomBytes(9).toString('base64url');
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  #waiting = 0;

  constructor(connection: Connection, metrics: Metrics, log: Logger) {
    this.#connection = connection;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Resolves when it was told, by whichever keeper, or is given up; never rejects. */
  async deliver(delivery: Delivery): Promise<Ended> {
    this.#count(1);
    try {
      while (!this.#stop.signal.aborted) {
        const ended = await this.#inLane(delivery);
        if (ended) return ended;
        await this.#pause(RECHECK_MS);
      }
      return 'unsent';
    } finally {
      this.#count(-1);
    }
  }

  /** Ends the pauses; what was not told is claimed by another keeper, or by this one when it is back. */
  close(): void {
    this.#stop.abort();
  }

  /** In its turn among those of its route. @returns undefined if it must be looked at again */
  #inLane(delivery: Delivery): Promise<Ended | undefined> {
    const { name } = delivery.route;
    const lane = this.#lanes.get(name) ?? new Lane();
    this.#lanes.set(name, lane);
    return new Promise((resolve) => {
      lane.add(
        delivery.urgent,
        async () => resolve(await this.#tell(delivery)),
        () => {
          this.#giveUp(delivery, 'too many messages wait for it already');
          resolve('unsent');
        },
      );
    });
  }

  async #tell(delivery: Delivery): Promise<Ended | undefined> {
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      const claim = await this.#claim(delivery);
      if (claim === 'told') return 'unsent';
      if (claim !== 'ours') return undefined;
      const sent = await send(delivery.route, delivery.body, delivery.id, Date.now());
      const { name } = delivery.route;
      if (sent.sent) {
        this.#metrics.alertsSent.inc({ route: name, event: delivery.event });
        return (await this.#confirm(delivery, delivery.toldForMs)) ? 'open' : 'over';
      }
      if (!sent.again || attempt >= MAX_ATTEMPTS) {
        this.#giveUp(delivery, sent.why);
        await this.#confirm(delivery, GIVEN_UP_MS);
        return 'unsent';
      }
      this.#log.warn(
        { route: name, why: sent.why, attempt },
        'an alert was not taken; it is tried again',
      );
      await this.#pause(Math.max(sent.afterMs, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
    return 'unsent';
  }

  async #claim({ opening, route }: Delivery): Promise<Claim | 'unknown'> {
    if (!opening) return 'ours';
    try {
      return await claimAlert(this.#connection, opening, route.name, this.#keeper, CLAIM_MS);
    } catch {
      // Redis is away, which is said elsewhere.
      return 'unknown';
    }
  }

  /** @returns whether the alert is still open */
  async #confirm({ opening, route }: Delivery, forMs: number | undefined): Promise<boolean> {
    if (!opening) return true;
    try {
      return await confirmAlert(this.#connection, opening, route.name, forMs);
    } catch (error) {
      this.#log.debug({ err: error }, 'an alert could not be marked as told: it may be told twice');
      return true;
    }
  }

  #giveUp({ route, event }: Delivery, why: string): void {
    this.#metrics.alertsFailed.inc({ route: route.name });
    this.#log.error(
      { route: route.name, event, why },
      'an alert could not be told and is given up: correct the URL of the route, or its receiver',
    );
  }

  #count(by: 1 | -1): void {
    this.#waiting += by;
    this.#metrics.alertsWaiting.set(this.#waiting);
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    await wait(ms, undefined, { signal, ref: false }).catch(() => {});
  }
}
