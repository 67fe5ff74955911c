import type { Alert } from '../../model/alert.js';
import { compareIds } from '../../model/entry.js';
import type { AlertRoute, Policy, Rule } from '../../policy/policy.js';
import type { Connection } from '../../redis/connection.js';
import {
  closeAlert,
  digestOf,
  type Opening,
  openAlerts,
  overdueAlerts,
  raiseAlert,
  type Subject,
} from '../../store/alerts.js';
import type { Logger } from '../../telemetry/log.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { KnownAgent } from '../fleet/agent.js';
import type { WatchedEntry } from '../watch.js';
import { Deliveries } from './deliveries.js';
import { type Said, saidBy } from './from-entry.js';
import { formatMessage, type Message } from './message.js';
import { type Batch, Readings } from './readings.js';
import { readUrl } from './secret.js';
import { windowEndMs } from './window-end.js';

/** Openings that this keeper remembers to have taken on; what it forgets it asks Redis about. */
const MAX_TAKEN = 10_000;

/** For what is over because somebody has said so, whenever it was to be. */
const ALWAYS_MS = Number.MAX_SAFE_INTEGER;

export interface AlertsParts {
  readonly connection: Connection;
  policy(): Policy;
  aboutAgent(agent: string): KnownAgent | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/**
 * Tells people what the ledger says, over webhooks: each thing at least once, and once where no keeper
 * dies, whatever the number of keepers; and says when it is over.
 */
export class Alerts {
  readonly #parts: AlertsParts;
  readonly #deliveries: Deliveries;
  readonly #readings: Readings;
  readonly #taken = new Set<string>();

  constructor(parts: AlertsParts) {
    this.#parts = parts;
    this.#deliveries = new Deliveries(parts.connection, parts.metrics, parts.log);
    this.#readings = new Readings(parts.connection);
  }

  /** Up to which entry all was told; undefined if nobody is to be told anything. */
  async toldUpTo(domain: string, nowMs: number): Promise<string | undefined> {
    if (this.#routes().length === 0) return undefined;
    return this.#readings.toldUpTo(domain, nowMs);
  }

  /** Takes what was read of a ledger; returns when it is under way, not when it was told. */
  async onEntries(
    domain: string,
    entries: readonly WatchedEntry[],
    lastId: string,
    nowMs: number,
  ): Promise<void> {
    if (this.#routes().length === 0) return;
    const toldUpTo = await this.#readings.toldUpTo(domain, nowMs);
    const batch: Batch = { lastId, left: 1 };
    const take = (telling: Promise<void>) => {
      batch.left += 1;
      void telling
        .catch((error) =>
          this.#parts.log.error({ err: error, domain }, 'an alert could not be told'),
        )
        .finally(() => {
          batch.left -= 1;
        });
    };
    for (const entry of entries) {
      if (compareIds(entry.id, toldUpTo) <= 0) continue;
      const said = saidBy(entry, {
        teamOf: (agent) => this.#parts.aboutAgent(agent)?.team ?? '',
        ruleOf: (id) => this.#ruleOf(id),
      });
      // In the order of the entries, since one ends what another has begun. If Redis goes, all come again.
      if (said) await this.#say(domain, entry.id, said, nowMs, take);
    }
    batch.left -= 1;
    this.#readings.add(domain, batch);
  }

  /** Says what is over, and remembers how far all was told. */
  async look(domain: string, nowMs: number): Promise<void> {
    if (this.#routes().length === 0) return;
    const { connection } = this.#parts;
    for (const subject of await overdueAlerts(connection, domain, nowMs)) {
      await this.#close(domain, subject, nowMs, `${nowMs}-0`);
    }
    await this.#readings.store(domain);
  }

  /** Says who will be told, before it is needed. */
  sayRoutes(): void {
    const { log } = this.#parts;
    const routes = this.#routes();
    if (routes.length === 0) {
      log.info(
        'the policy names no alert routes: when a rule trips, nobody is told but by log and metrics',
      );
    }
    for (const route of routes) {
      const target = readUrl(route.url);
      if ('problem' in target) {
        log.error(
          { route: route.name, why: target.problem },
          'an alert route has no URL: nobody is told over it',
        );
      }
    }
  }

  close(): void {
    this.#deliveries.close();
  }

  #routes(): readonly AlertRoute[] {
    return this.#parts.policy().alerts;
  }

  /** @param take is given what is to be waited for until all of it was told */
  async #say(
    domain: string,
    entryId: string,
    said: Said,
    nowMs: number,
    take: (telling: Promise<void>) => void,
  ): Promise<void> {
    if (said.says === 'over') {
      await this.#close(domain, said.subject, ALWAYS_MS, entryId);
    } else if (said.says === 'granted') {
      await this.#closeGranted(domain, said, entryId);
    } else if (said.says === 'once') {
      const { subject, alert } = said;
      const forMs = windowEndMs(this.#ruleOf(alert.rule), nowMs) - nowMs;
      take(this.#tell({ domain, subject, since: '' }, alert, forMs));
    } else {
      const { subject, alert, overMs } = said;
      // It was over before anybody could be told.
      if (overMs <= nowMs || !this.#routes().some((route) => route.wants(alert))) return;
      const { connection } = this.#parts;
      const since = await raiseAlert(connection, domain, subject, entryId, alert, overMs);
      if (since !== undefined) take(this.#tell({ domain, subject, since }, alert, undefined));
    }
  }

  async #tell(opening: Opening, alert: Alert, toldForMs: number | undefined): Promise<void> {
    const name = digestOf(opening);
    const open = toldForMs === undefined;
    // It goes on, and is being told, or was.
    if (open && this.#taken.has(name)) return;
    this.#take(name);
    await Promise.all(
      this.#routes()
        .filter((route) => route.wants(alert) && !this.#isToldAsDenial(alert, route))
        .map(async (route) => {
          const ended = await this.#deliver('firing', opening, alert, route, toldForMs);
          if (open && ended === 'over') await this.#deliver('over', opening, alert, route);
        }),
    );
  }

  #deliver(
    state: Message['state'],
    opening: Opening,
    alert: Alert,
    route: AlertRoute,
    toldForMs?: number,
  ): ReturnType<Deliveries['deliver']> {
    const { timezone } = this.#parts.policy();
    const topTool = this.#parts.aboutAgent(alert.agent)?.topTool ?? '';
    const id = digestOf(opening, state);
    const { domain } = opening;
    const firing = state === 'firing';
    return this.#deliveries.deliver({
      ...{ route, id, toldForMs, urgent: alert.event === 'halted' },
      opening: firing ? opening : undefined,
      event: firing ? alert.event : 'over',
      body: formatMessage({ id, state, alert, domain, topTool, timezone }, route.format),
    });
  }

  /** If nothing has happened again, whoever was told is told that it is over. */
  async #close(domain: string, subject: Subject, nowMs: number, closedId: string): Promise<void> {
    const routes = this.#routes();
    const names = routes.map(({ name }) => name);
    const { connection } = this.#parts;
    const closed = await closeAlert(connection, domain, subject, nowMs, closedId, names);
    if (!closed) return;
    const { alert, opening, told } = closed;
    this.#taken.delete(digestOf(opening));
    // What a rule denies outright it goes on denying.
    if (alert.event === 'denied' && !alert.counted) return;
    for (const route of routes.filter(({ name }) => told.includes(name))) {
      void this.#deliver('over', opening, alert, route);
    }
  }

  /** With a grant the agent may go on; if it is not enough, its next denial is told. */
  async #closeGranted(
    domain: string,
    { agent, rule }: { agent: string; rule: string },
    entryId: string,
  ): Promise<void> {
    for (const { subject, alert } of await openAlerts(this.#parts.connection, domain)) {
      if (alert.event !== 'denied' || alert.agent !== agent || alert.rule !== rule) continue;
      await this.#close(domain, subject, ALWAYS_MS, entryId);
    }
  }

  /** A whole limit of a rule that denies: who wants denials is told of these. */
  #isToldAsDenial({ event, rule, counted }: Alert, route: AlertRoute): boolean {
    if (event !== 'threshold' || !counted || counted.used < counted.limit) return false;
    const action = this.#ruleOf(rule)?.action;
    return (action === 'block' || action === 'halt') && route.events.has('denied');
  }

  #take(name: string): void {
    this.#taken.add(name);
    const [oldest = ''] = this.#taken;
    if (this.#taken.size > MAX_TAKEN) this.#taken.delete(oldest);
  }

  #ruleOf(id: string): Rule | undefined {
    return this.#parts.policy().rules.find((rule) => rule.id === id);
  }
}
