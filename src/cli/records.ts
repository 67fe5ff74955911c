import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import type { CallRecord, RecordField } from './record.js';

/** The records of the file; a text where a line is none, saying why. */
export async function* readRecords(
  file: string,
  columns: ReadonlyMap<RecordField, string> | undefined,
): AsyncGenerator<CallRecord | string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  if (columns) {
    for await (const row of input.pipe(parse({ columns: true, bom: true }))) {
      const cells = [...columns].map(([field, column]) => [field, row[column]]);
      yield Object.fromEntries(cells.filter(([, cell]) => cell));
    }
    return;
  }
  for await (const line of createInterface({ input })) {
    if (line.trim() !== '') yield parseLine(line);
  }
}

function parseLine(line: string): CallRecord | string {
  try {
    const record: unknown = JSON.parse(line);
    if (record !== null && typeof record === 'object') return record as CallRecord;
  } catch {
    // Said below: not JSON and not an object are the same mistake.
  }
  return 'is not a JSON object';
}

/** How many records the file has, about: its lines. undefined for standard input. */
export async function countRecords(file: string): Promise<number | undefined> {
  if (file === '-') return undefined;
  let lines = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}
