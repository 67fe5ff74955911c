import { createReadStream } from 'node:fs';
import { compareIds, type Entry } from '../model/entry.js';
import { type LedgerLine, parseLine } from '../model/ledger-line-parse.js';
import { readLines } from './file-lines.js';

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
  /** Entries that come before one that was read earlier, where they are read as they come. */
  outOfOrder: number;
}

/** More say nothing new. */
const KEPT_PROBLEMS = 10;

export function newReading(): Reading {
  return { lines: 0, entries: 0, bytes: 0, bad: 0, problems: [], outOfOrder: 0 };
}

/** The entries of an NDJSON file as they come, some at a time. @param file `-` is standard input */
export async function* readLedgerFile(file: string, reading: Reading): AsyncGenerator<Entry[]> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let lastId = '0-0';
  for await (const lines of batchesOf(readEntries(input, reading))) {
    for (const { entry } of lines) {
      if (compareIds(entry.id, lastId) < 0) reading.outOfOrder += 1;
      else lastId = entry.id;
    }
    yield lines.map(({ entry }) => entry);
  }
}

/**
 * The lines that are an entry.
 * @param first the number of the first line, and the byte at which it begins
 */
export async function* readEntries(
  input: AsyncIterable<Buffer>,
  reading: Reading,
  first = { line: 1, at: 0, file: '' },
): AsyncGenerator<LedgerLine> {
  let number = first.line - 1;
  for await (const { text } of readLines(counted(input, reading), first.at)) {
    number += 1;
    reading.lines += 1;
    if (text.trim() === '') continue;
    const line = parseLine(text);
    if ('problem' in line) {
      reading.bad += 1;
      if (reading.problems.length < KEPT_PROBLEMS) {
        reading.problems.push(`${first.file}line ${number}: ${line.problem}`);
      }
      continue;
    }
    reading.entries += 1;
    yield line;
  }
}

export async function* batchesOf<T>(all: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const one of all) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function* counted(input: AsyncIterable<Buffer>, reading: Reading): AsyncGenerator<Buffer> {
  for await (const chunk of input) {
    reading.bytes += chunk.length;
    yield chunk;
  }
}
