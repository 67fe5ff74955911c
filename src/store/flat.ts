/** Names and values, which Redis replies as one list of both. */
export function fieldsOf(flat: readonly string[]): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) fields[flat[at] ?? ''] = flat[at + 1] ?? '';
  return fields;
}

/** An entry of a stream. */
export interface RawEntry {
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** @param reply of XRANGE or XREVRANGE */
export function rawEntriesOf(reply: unknown): RawEntry[] {
  return (reply as [string, string[]][]).map(([id, flat]) => ({ id, fields: fieldsOf(flat) }));
}
