import type { Alert } from '../../model/alert.js';
import { compareIds } from '../../model/entry.js';
import type { Policy, Rule } from '../../policy/policy.js';
import type { Connection } from '../../redis/connection.js';
import {
  closeAlert,
  overdueAlerts,
  raiseAlert,
  readAlertsRead,
  type Subject,
  storeAlertsRead,
} from '../../store/alerts.js';
import type { Logger } from '../../telemetry/log.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { KnownAgent } from '../fleet/agent.js';
import type { WatchedEntry } from '../watch.js';
import { Deliveries } from './deliveries.js';
import { type Said, saidBy } from './from-entry.js';
import { formatMessage } from './message.js';
import { readUrl } from './secret.js';

/** What happened before anybody has ever looked for alerts is told if it is so young. */
const FIRST_LOOK_MS = 60_000;

/** What goes on for so long is told again: by then somebody else is awake. */
const REMIND_MS = 24 * 3_600_000;

/** A month of the calendar; a halt may have no end. */
const LONGEST_MS = 31 * 86_400_000;

export interface AlertsParts {
  readonly connection: Connection;
  policy(): Policy;
  aboutAgent(agent: string): KnownAgent | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** What has been read of the ledger of one domain, batch by batch, and how much of it is still being told. */
interface Reading {
  stored: string;
  readonly batches: { readonly lastId: string; left: number }[];
}

/**
 * Tells people what the ledger says, over webhooks: each thing at least once, and once where no keeper
 * dies, whatever the number of keepers; and says when it is over.
 */
export class Alerts {
  readonly #parts: AlertsParts;
  readonly #deliveries: Deliveries;
  readonly #readings = new Map<string, Reading>();

  constructor(parts: AlertsParts) {
    this.#parts = parts;
    this.#deliveries = new Deliveries(parts.connection, parts.metrics, parts.log);
    this.#sayRoutes();
  }

  /** Takes what was read of a ledger; returns when it is under way, not when it was told. */
  async onEntries(
    domain: string,
    entries: readonly WatchedEntry[],
    lastId: string,
    nowMs: number,
  ): Promise<void> {
    if (this.#routes().length === 0) return;
    const reading = await this.#readingOf(domain, nowMs);
    const batch = { lastId, left: 1 };
    reading.batches.push(batch);
    for (const entry of entries) {
      if (compareIds(entry.id, reading.stored) <= 0) continue;
      const said = saidBy(entry, this.#parts.aboutAgent);
      if (!said) continue;
      batch.left += 1;
      void this.#say(domain, said, nowMs)
        .catch((error) =>
          this.#parts.log.error({ err: error, domain }, 'an alert could not be told'),
        )
        .finally(() => {
          batch.left -= 1;
        });
    }
    batch.left -= 1;
  }

  /** Says what is over, and remembers how far all was told. */
  async look(domain: string, nowMs: number): Promise<void> {
    if (this.#routes().length === 0) return;
    const { connection } = this.#parts;
    for (const subject of await overdueAlerts(connection, domain, nowMs)) {
      await this.#close(domain, subject, nowMs);
    }
    const reading = this.#readings.get(domain);
    let done: string | undefined;
    while (reading?.batches[0]?.left === 0) done = reading.batches.shift()?.lastId;
    if (!reading || done === undefined || compareIds(done, reading.stored) <= 0) return;
    await storeAlertsRead(connection, domain, done);
    reading.stored = done;
  }

  close(): void {
    this.#deliveries.close();
  }

  #routes() {
    return this.#parts.policy().alerts;
  }

  async #readingOf(domain: string, nowMs: number): Promise<Reading> {
    const known = this.#readings.get(domain);
    if (known) return known;
    const stored = await readAlertsRead(this.#parts.connection, domain);
    const reading = {
      stored: stored ?? `${Math.max(0, Math.floor(nowMs - FIRST_LOOK_MS))}-0`,
      batches: [],
    };
    this.#readings.set(domain, reading);
    return reading;
  }

  async #say(domain: string, said: Said, nowMs: number): Promise<void> {
    if (said.says === 'over') {
      await this.#close(domain, said.subject, Number.MAX_SAFE_INTEGER);
      return;
    }
    const { alert, subject, once, overMs } = said;
    if (this.#isToldAsDenial(alert)) return;
    const routes = this.#routes().filter((route) => route.wants(alert));
    if (routes.length === 0) return;
    if (overMs !== undefined) {
      await raiseAlert(this.#parts.connection, domain, subject, alert, overMs);
    }
    const topTool = this.#parts.aboutAgent(alert.agent)?.topTool ?? '';
    const { timezone } = this.#parts.policy();
    const toldForMs =
      overMs === undefined
        ? this.#windowMs(alert.rule)
        : Math.min(Math.max(0, overMs - nowMs), LONGEST_MS) + REMIND_MS;
    await Promise.all(
      routes.map((route) =>
        this.#deliveries.deliver({
          ...{ domain, route, event: alert.event, once: { subject: once, toldForMs } },
          body: formatMessage({ state: 'firing', alert, domain, topTool, timezone }, route.format),
        }),
      ),
    );
  }

  /** If nothing has happened again, whoever was told is told that it is over. */
  async #close(domain: string, subject: Subject, nowMs: number): Promise<void> {
    const { connection, policy } = this.#parts;
    const all = this.#routes();
    const names = all.map(({ name }) => name);
    const closed = await closeAlert(connection, domain, subject, nowMs, names);
    if (!closed) return;
    const { alert, told } = closed;
    const routes = all.filter((route) =>
      // A halt is told under a name of its own each time.
      alert.event === 'halted' ? route.wants(alert) : told.includes(route.name),
    );
    const message = {
      state: 'over',
      alert,
      domain,
      topTool: '',
      timezone: policy().timezone,
    } as const;
    for (const route of routes) {
      const body = formatMessage(message, route.format);
      void this.#deliveries.deliver({ domain, route, event: 'over', once: undefined, body });
    }
  }

  /** How long the window of a rule is: so long its threshold is not told again. */
  #windowMs(ruleId: string): number {
    const window = this.#ruleOf(ruleId)?.rateLimit?.window;
    return window && 'lengthUs' in window ? window.lengthUs / 1000 : LONGEST_MS;
  }

  /** A whole limit of a rule that denies: the denial is told. */
  #isToldAsDenial({ event, rule, counted }: Alert): boolean {
    if (event !== 'threshold' || !counted || counted.used < counted.limit) return false;
    const action = this.#ruleOf(rule)?.action;
    return action === 'block' || action === 'halt';
  }

  #ruleOf(id: string): Rule | undefined {
    return this.#parts.policy().rules.find((rule) => rule.id === id);
  }

  /** Says who will be told, before it is needed. */
  #sayRoutes(): void {
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
}
