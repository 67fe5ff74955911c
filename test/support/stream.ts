import type { Entry } from '../../src/model/entry.js';
import { parseEntry } from '../../src/store/entry.js';
import { rawEntriesOf } from '../../src/store/flat.js';

/** The entries of an XRANGE reply; one that cannot be read is a bug. */
export function readEntries(reply: unknown): Entry[] {
  return rawEntriesOf(reply).map(({ id, fields }) => {
    const entry = parseEntry(id, fields);
    if (!entry) throw new Error(`entry ${id} cannot be read: ${JSON.stringify(fields)}`);
    return entry;
  });
}
