import { readFileSync } from 'node:fs';
import { unreadable } from '../model/secret-path.js';

/** As many as a signature is worth: 32 characters of base64 have 192 bits. */
const MIN_KEY_LENGTH = 32;

/** The one that signs, the one before it, the one that will be; each is tried on every token. */
const MAX_KEYS = 3;

/** The keys of lineage tokens, the one that signs first; what is wrong is added to `problems`, without a key. */
export function readLineageKeys(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): string[] {
  const inline = env['TOLLGATE_LINEAGE_KEY'] ?? '';
  const file = env['TOLLGATE_LINEAGE_KEY_FILE'] ?? '';
  if (file === '') return checked('TOLLGATE_LINEAGE_KEY', inline === '' ? [] : [inline], problems);
  if (inline !== '') {
    problems.push('TOLLGATE_LINEAGE_KEY and TOLLGATE_LINEAGE_KEY_FILE are both set: leave one out');
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    problems.push(`TOLLGATE_LINEAGE_KEY_FILE: ${unreadable(file)}`);
    return [];
  }
  const keys = text.split('\n').flatMap((line) => line.trim() || []);
  // An empty file would sign nothing and believe everything: nobody who set it wants that.
  if (keys.length === 0) problems.push(`TOLLGATE_LINEAGE_KEY_FILE: ${file} is empty`);
  return checked('TOLLGATE_LINEAGE_KEY_FILE', keys, problems);
}

function checked(name: string, keys: string[], problems: string[]): string[] {
  if (keys.some(({ length }) => length < MIN_KEY_LENGTH)) {
    problems.push(`${name}: must have at least ${MIN_KEY_LENGTH} characters`);
  }
  if (keys.length > MAX_KEYS) problems.push(`${name}: must have at most ${MAX_KEYS} keys`);
  return keys;
}
