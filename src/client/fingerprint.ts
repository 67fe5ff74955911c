import { createHash } from 'node:crypto';

/**
 * A hash of a tool's arguments, equal for equal ones whatever the order of their keys: 16 bytes of
 * SHA-256 in base64url.
 * @returns undefined for what is no JSON
 */
export function fingerprintOf(args: readonly unknown[]): string | undefined {
  try {
    const text = JSON.stringify(args, sorted);
    return createHash('sha256').update(text).digest('base64url').slice(0, 22);
  } catch {
    return undefined;
  }
}

function sorted(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
