import { createHash } from 'node:crypto';
import type { Call } from '../model/call.js';

/**
 * Tells a repeat from another request with the same id: a hash of everything in the request but its
 * id and its timestamp. 16 bytes of SHA-256 in base64. By name, and without what is absent: a repeat may come to
 * another version, and a field that only the later one knows changes nothing where the request does not have it.
 */
export function digestOf({ callId: _id, timestampMs: _time, labels, ...rest }: Call): string {
  const given = Object.entries(rest).filter(([, value]) => value !== undefined && value !== '');
  const text = JSON.stringify([given.sort(byName), Object.entries(labels).sort(byName)]);
  return createHash('sha256').update(text).digest('base64').slice(0, 22);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
