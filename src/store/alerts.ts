import { createHash } from 'node:crypto';
import type { Alert } from '../model/alert.js';
import type { Connection } from '../redis/connection.js';
import { alertClaimKey, alertsReadKey, openAlertsKeys } from './keys.js';

/** Alerts of a domain that are open at once; more are told, and not said to be over. */
const MAX_OPEN = 1_000;

/** Alerts that are closed in one look. */
const MAX_OVER = 50;

/** The value of a claim whose alert was told. */
const TOLD = 'told';

/** What the same alert is, told once: a rule and a window, or an agent. */
export type Subject = string;

/** How a claim stands. */
export type Claim = 'ours' | 'theirs' | 'told';

/** Opens an alert, or keeps it open for longer. */
export async function raiseAlert(
  connection: Connection,
  domain: string,
  subject: Subject,
  alert: Alert,
  overMs: number,
): Promise<void> {
  const { ends, alerts } = openAlertsKeys(domain);
  const args = [subject, Math.ceil(overMs), JSON.stringify(alert), MAX_OPEN];
  await connection.run('alert_raise', [ends, alerts], args);
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

/**
 * Closes an alert that is over.
 * @returns what it was and which of the routes were told; undefined if it goes on, or another has closed it
 */
export async function closeAlert(
  connection: Connection,
  domain: string,
  subject: Subject,
  nowMs: number,
  routes: readonly string[],
): Promise<{ alert: Alert; told: string[] } | undefined> {
  const { ends, alerts } = openAlertsKeys(domain);
  const claims = routes.map((route) => claimKey(domain, route, subject));
  const args = [subject, nowMs, TOLD];
  const [closed, text, ...told] = await connection.run(
    'alert_over',
    [ends, alerts, ...claims],
    args,
  );
  if (closed !== 1 || !text) return undefined;
  return {
    alert: JSON.parse(String(text)) as Alert,
    told: routes.filter((_, at) => told[at] === 1),
  };
}

/**
 * Takes it on to tell a route of an alert.
 * @param keeper a name of its own
 * @param forMs after that another may, unless it was told
 */
export async function claimAlert(
  connection: Connection,
  domain: string,
  route: string,
  subject: Subject,
  keeper: string,
  forMs: number,
): Promise<Claim> {
  const key = claimKey(domain, route, subject);
  const set = await connection.command('SET', key, keeper, 'NX', 'PX', forMs);
  if (set === 'OK') return 'ours';
  const value = await connection.command('GET', key);
  if (value === TOLD) return 'told';
  if (value !== keeper) return 'theirs';
  await connection.command('PEXPIRE', key, forMs);
  return 'ours';
}

/** Says that a route was told, or is given up: no keeper tells it again for so long. */
export async function confirmAlert(
  connection: Connection,
  domain: string,
  route: string,
  subject: Subject,
  forMs: number,
): Promise<void> {
  const key = claimKey(domain, route, subject);
  await connection.command('SET', key, TOLD, 'PX', Math.ceil(forMs));
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

function claimKey(domain: string, route: string, subject: Subject): string {
  const digest = createHash('sha256').update(subject).digest('base64url').slice(0, 22);
  return alertClaimKey(domain, route, digest);
}
