import type { Entry } from '../../src/model/entry.js';
import { parseEntry } from '../../src/store/entry.js';

/** The entries of an XRANGE reply; one that cannot be read is a bug. */
export function readEntries(reply: unknown): Entry[] {
  return (reply as [string, string[]][]).map(([id, flat]) => {
    const fields: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
    const entry = parseEntry(id, fields);
    if (!entry) throw new Error(`entry ${id} cannot be read: ${JSON.stringify(fields)}`);
    return entry;
  });
}
