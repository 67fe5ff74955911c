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

/** The record of one admitted call. */
export function recordKey(domain: string, agent: string, callId: string): string {
  return `${prefix(domain)}:call:${agent.replace(/[%:]/g, encodeURIComponent)}:${callId}`;
}

/** Made once; its absence, or another value, later reveals a flush, an eviction or a restore. */
export function bornKey(domain: string): string {
  return `${prefix(domain)}:born`;
}
