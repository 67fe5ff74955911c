import { createReadStream } from 'node:fs';
import { compareIds, type Entry } from '../model/entry.js';
import { MAX_LINE_BYTES, parseLine } from '../model/ledger-line-parse.js';

/** Entries that are handed on at once. */
const BATCH = 1_000;

/** What was read so far, and what was not taken. */
export interface Reading {
  lines: number;
  entries: number;
  bytes: number;
  /** Lines that are no entry. */
  bad: number;
  /** The first of them, for people: "line 7: is not JSON". */
  readonly problems: string[];
  /** Entries that come before one that was read earlier. */
  outOfOrder: number;
}

/** More say nothing new. */
const KEPT_PROBLEMS = 10;

export function newReading(): Reading {
  return { lines: 0, entries: 0, bytes: 0, bad: 0, problems: [], outOfOrder: 0 };
}

/** The entries of an NDJSON file, some at a time. @param file `-` is standard input */
export async function* readLedgerFile(file: string, reading: Reading): AsyncGenerator<Entry[]> {
  let batch: Entry[] = [];
  let lastId = '0-0';
  for await (const line of readLines(file, reading)) {
    reading.lines += 1;
    if (line.trim() === '') continue;
    const entry = parseLine(line);
    if ('problem' in entry) {
      reading.bad += 1;
      if (reading.problems.length < KEPT_PROBLEMS) {
        reading.problems.push(`line ${reading.lines}: ${entry.problem}`);
      }
      continue;
    }
    reading.entries += 1;
    if (compareIds(entry.id, lastId) < 0) reading.outOfOrder += 1;
    else lastId = entry.id;
    batch.push(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Lines, of which one that is too long is cut: a file that is none must not fill the memory. */
async function* readLines(file: string, reading: Reading): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  input.setEncoding('utf8');
  let rest = '';
  for await (const chunk of input as AsyncIterable<string>) {
    reading.bytes += Buffer.byteLength(chunk);
    const lines = chunk.split('\n');
    lines[0] = rest + (lines[0] ?? '');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_BYTES + 1);
    yield* lines;
  }
  if (rest !== '') yield rest;
}
