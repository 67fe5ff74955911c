/**
 * The one place that spells key names. Everything of one domain has the hash tag `{domain}`, so that
 * one slot of a Cluster holds it and one script can touch it. Values are escaped, never refused:
 * only what would end a part early is.
 */
export const WINDOW_SLICES = 60;

function prefix(domain: string): string {
  return `tg:{${domain.replace(/[%{}]/g, encodeURIComponent)}}`;
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

/** What names one call: its id counts within its agent. */
export interface CallName {
  readonly domain: string;
  readonly agent: string;
  readonly callId: string;
}
