import { createHash } from 'node:crypto';
import type { Call } from '../model/call.js';

/**
 * Tells a repeat from another request with the same id: a hash of everything in the request but its
 * id and its timestamp. 16 bytes of SHA-256 in base64.
 */
export function digestOf({ callId: _id, timestampMs: _time, labels, ...rest }: Call): string {
  const text = JSON.stringify([...Object.values(rest), Object.entries(labels).sort()]);
  return createHash('sha256').update(text).digest('base64').slice(0, 22);
}
