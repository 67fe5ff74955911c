import { createHash } from 'node:crypto';
import type { Alert } from '../model/alert.js';
import type { Connection } from '../redis/connection.js';
import { alertClaimKey, alertClosedKey, alertsReadKey, openAlertsKeys } from './keys.js';

/** Alerts of a domain that are open at once, 400 bytes each; nobody reads more. */
const MAX_OPEN = 5_000;

/** Alerts that are closed in one look. */
const MAX_OVER = 50;

/** The value of a claim whose alert was told. */
const TOLD = 'told';

/** An alert that is open for longer may be told again if a keeper starts anew. */
const TOLD_MS = 7 * 86_400_000;

/** Keepers read the same ledger some seconds apart. */
const CLOSED_MS = 3_600_000;

/** What the same alert is: a rule and a window, or an agent. */
export type Subject = string;

/** One opening of an alert: it is told once. Of what has no end, `since` tells one time from another. */
export interface Opening {
  readonly domain: string;
  readonly subject: Subject;
  /** The entry of the ledger that has opened it. */
  readonly since: string;
}

/** How a claim stands. */
export type Claim = 'ours' | 'theirs' | 'told';

/**
 * Opens an alert, or keeps it open for longer.
 * @param entryId of the entry that says so
 * @returns the entry that has opened it; undefined if it is over since, or too many are open
 */
export async function raiseAlert(
  connection: Connection,
  domain: string,
  subject: Subject,
  entryId: string,
  alert: Alert,
  overMs: number,
): Promise<string | undefined> {
  const { ends, alerts } = openAlertsKeys(domain);
  const keys = [ends, alerts, closedKey(domain, subject)];
  const limit = alert.counted?.limit ?? 0;
  const args = [subject, entryId, Math.ceil(overMs), limit, JSON.stringify(alert), MAX_OPEN];
  const [open, since] = await connection.run('alert_raise', keys, args);
  return open === 1 ? String(since) : undefined;
}

/** Alerts that are over by a moment, as far as anybody knows. */
export async function overdueAlerts(
  connection: Connection,
  domain: string,
  nowMs: number,
): Promise<Subject[]> {
  const { ends } = openAlertsKeys(domain);
  const range = ['-inf', nowMs, 'LIMIT', 0, MAX_OVER];
  return (await connection.command('ZRANGEBYSCORE', ends, ...range)) as string[];
}

/** All open alerts: for what people do now and then. */
export async function openAlerts(
  connection: Connection,
  domain: string,
): Promise<{ subject: Subject; alert: Alert }[]> {
  const flat = (await connection.command('HGETALL', openAlertsKeys(domain).alerts)) as string[];
  const open: { subject: Subject; alert: Alert }[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) {
    open.push({ subject: flat[at] ?? '', alert: keptIn(flat[at + 1] ?? '').alert });
  }
  return open;
}

/**
 * Closes an alert that is over by `nowMs`.
 * @param closedId entries up to this one open it no more
 * @returns what it was and which of the routes were told; undefined if it goes on, or another has closed it
 */
export async function closeAlert(
  connection: Connection,
  domain: string,
  subject: Subject,
  nowMs: number,
  closedId: string,
  routes: readonly string[],
): Promise<{ alert: Alert; opening: Opening; told: string[] } | undefined> {
  const { ends, alerts } = openAlertsKeys(domain);
  const text = (await connection.command('HGET', alerts, subject)) as string | null;
  if (text === null) return undefined;
  const { since, alert } = keptIn(text);
  const opening = { domain, subject, since };
  const claims = routes.map((route) => claimKey(opening, route));
  const keys = [ends, alerts, closedKey(domain, subject), ...claims];
  const args = [subject, since, nowMs, closedId, TOLD, CLOSED_MS];
  const [closed, ...told] = await connection.run('alert_over', keys, args);
  if (closed !== 1) return undefined;
  return { alert, opening, told: routes.filter((_, at) => told[at] === 1) };
}

/**
 * Takes it on to tell a route of an alert.
 * @param keeper a name of its own
 * @param forMs after that another may, unless it was told
 */
export async function claimAlert(
  connection: Connection,
  opening: Opening,
  route: string,
  keeper: string,
  forMs: number,
): Promise<Claim> {
  const key = claimKey(opening, route);
  const set = await connection.command('SET', key, keeper, 'NX', 'PX', forMs);
  if (set === 'OK') return 'ours';
  const value = await connection.command('GET', key);
  if (value === TOLD) return 'told';
  if (value !== keeper) return 'theirs';
  await connection.command('PEXPIRE', key, forMs);
  return 'ours';
}

/**
 * Says that a route was told.
 * @param forMs how long that is remembered
 * @returns whether the alert is still open: of one that is not, nobody else tells this route that it is over
 */
export async function confirmAlert(
  connection: Connection,
  opening: Opening,
  route: string,
  forMs = TOLD_MS,
): Promise<boolean> {
  const { domain, subject, since } = opening;
  const keys = [claimKey(opening, route), openAlertsKeys(domain).alerts];
  const args = [subject, since, TOLD, Math.max(1, Math.ceil(forMs))];
  const [open] = await connection.run('alert_told', keys, args);
  return open === 1;
}

/** Up to which entry the ledger was read for alerts, by whichever keeper; undefined if never. */
export async function readAlertsRead(
  connection: Connection,
  domain: string,
): Promise<string | undefined> {
  return ((await connection.command('GET', alertsReadKey(domain))) as string | null) ?? undefined;
}

export async function storeAlertsRead(
  connection: Connection,
  domain: string,
  id: string,
): Promise<void> {
  await connection.command('SET', alertsReadKey(domain), id);
}

/** A name for one message about an opening, the same on every keeper. */
export function digestOf({ domain, subject, since }: Opening, state = ''): string {
  const text = JSON.stringify([domain, subject, since, state]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** As lua/alert_raise keeps it: the entry that opened it, the limit, and the alert, a line each. */
function keptIn(text: string): { since: string; alert: Alert } {
  const [since = '', , json = '{}'] = text.split('\n');
  return { since, alert: JSON.parse(json) as Alert };
}

function closedKey(domain: string, subject: Subject): string {
  return alertClosedKey(domain, digestOf({ domain, subject, since: '' }));
}

function claimKey(opening: Opening, route: string): string {
  return alertClaimKey(opening.domain, route, digestOf(opening));
}
