/**
 * The one place that spells key names. Everything of one domain has the hash tag `{domain}`, so that
 * one slot of a Cluster holds it and one script can touch it. Values are escaped, never refused:
 * only what would end a part early is.
 */
export const WINDOW_SLICES = 60;

function prefix(domain: string): string {
  return `tg:{${domain.replace(/[%{}]/g, encodeURIComponent)}}`;
}

/** What matches all keys of a domain, and of no other. */
export function domainPattern(domain: string): string {
  return `${prefix(domain).replace(/[*?[\]\\]/g, '\\$&')}:*`;
}

/** One window: the rule, the shape that it had, and whose window it is. */
export function windowKey(domain: string, rule: string, shape: string, partition: string): string {
  return `${prefix(domain)}:w:${rule}:${shape}:${partition}`;
}

/** Whose window it is, read from its key; neither a rule's id nor a shape has a colon. */
export function parseWindowKey(key: string): { rule: string; partition: string } {
  const [rule = '', , ...partition] = key.slice(key.indexOf('}:w:') + 4).split(':');
  return { rule, partition: partition.join(':') };
}

/** The record of one call. */
export function recordKey({ domain, agent, callId }: CallName): string {
  return `${prefix(domain)}:call:${agent.replace(/[%:]/g, encodeURIComponent)}:${callId}`;
}

/** The halts and grants of a domain. */
export function ordersKey(domain: string): string {
  return `${prefix(domain)}:orders`;
}

/** Made once; its absence, or another value, later reveals a flush, an eviction or a restore. */
export function bornKey(domain: string): string {
  return `${prefix(domain)}:born`;
}

/** The stream of all that happened. */
export function ledgerKey(domain: string): string {
  return `${prefix(domain)}:ledger`;
}

/** How far the ledger is folded into spend: a hash. */
export function foldKey(domain: string): string {
  return `${prefix(domain)}:fold`;
}

/** The last entries that nobody could read, for people to look at: a list. */
export function asideKey(domain: string): string {
  return `${prefix(domain)}:fold:aside`;
}

/** The records of calls that are not settled, as folded: by when their holds run out, and their facts. */
export function openKeys(domain: string): { ends: string; calls: string } {
  return { ends: `${prefix(domain)}:open`, calls: `${prefix(domain)}:open:calls` };
}

/** The attributes that spend is summed over, by number: a hash. */
export function attributesKey(domain: string): string {
  return `${prefix(domain)}:attributes`;
}

/** The numbers of those attributes, by a digest of them: a hash. */
export function numbersKey(domain: string): string {
  return `${prefix(domain)}:attributes:numbers`;
}

/** When each of those numbers last got spend of a new day: a sorted set. */
export function seenKey(domain: string): string {
  return `${prefix(domain)}:attributes:seen`;
}

/**
 * The spend of one hour or day for a hundred numbers of attributes: a hash so small that Redis packs it.
 * @param startMs when it begins
 */
export function spendKey(
  domain: string,
  grain: 'hour' | 'day',
  startMs: number,
  shard: number,
): string {
  return `${prefix(domain)}:spend:${grain[0]}:${startMs / 60_000}:${shard}`;
}

/** Halts, grants, policies and annotations, for as long as spend is kept: a sorted set. */
export function eventsKey(domain: string): string {
  return `${prefix(domain)}:events`;
}

/** Thresholds likewise, by themselves: there may be so many that they would push out what people have done. */
export function thresholdsKey(domain: string): string {
  return `${prefix(domain)}:events:thresholds`;
}

/** The policies that took effect, by hash. */
export function policiesKey(domain: string): string {
  return `${prefix(domain)}:policies`;
}

/** Alerts that people were told of and that are not over: by when each is, and what it was. */
export function openAlertsKeys(domain: string): { ends: string; alerts: string } {
  return { ends: `${prefix(domain)}:alerts`, alerts: `${prefix(domain)}:alerts:open` };
}

/** How far keepers have read the ledger for alerts. */
export function alertsReadKey(domain: string): string {
  return `${prefix(domain)}:alerts:read`;
}

/** Up to which entry of the ledger an alert was closed. */
export function alertClosedKey(domain: string, digest: string): string {
  return `${prefix(domain)}:alert:closed:${digest}`;
}

/** Which keeper tells one route of one alert, or that it was told. */
export function alertClaimKey(domain: string, route: string, digest: string): string {
  return `${prefix(domain)}:alert:told:${route}:${digest}`;
}

/** The windows that gates have told of, by key: a hash. */
export function windowsKey(domain: string): string {
  return `${prefix(domain)}:windows`;
}

/** The gates that have told of themselves, by id: a hash; of no domain, like the next. */
export const GATES_KEY = 'tg:gates';

/** Which formats living sidecars read, and when one last told so: a hash. */
export const FORMATS_KEY = 'tg:formats';

/** The domains that a keeper has to look after; it has no hash tag, since it is of no domain. */
export const DOMAINS_KEY = 'tg:domains';

/** What names one call: its id counts within its agent. */
export interface CallName {
  readonly domain: string;
  readonly agent: string;
  readonly callId: string;
}
