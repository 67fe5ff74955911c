import { createReadStream } from 'node:fs';
import { compareIds } from '../model/entry.js';
import type { LedgerLine } from '../model/ledger-line-parse.js';
import { readLines } from './file-lines.js';
import { type Reading, readEntries } from './ledger-file.js';

/** A part of a file in which the ids of one domain ascend. */
export interface Run {
  readonly file: string;
  /** Of its bytes the first, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly firstLine: number;
}

/** Each is read beside the others: files and memory of which a process has enough. */
const MAX_RUNS = 200;

/**
 * The runs of some files: one for each, where all is in order. A sink that was written again after a crash, or a
 * Redis that was restored, goes back in the middle.
 * @returns undefined if they are too many: the lines are in no order
 */
export async function findRuns(
  files: readonly string[],
  domain: string,
): Promise<Run[] | undefined> {
  const runs: Run[] = [];
  for (const file of files) {
    let [from, firstLine, number, lastId] = [0, 1, 0, '0-0'];
    const input = createReadStream(file);
    for await (const { text, at } of readLines(input)) {
      number += 1;
      const id = idOf(text, domain);
      if (id === undefined) continue;
      if (compareIds(id, lastId) < 0) {
        runs.push({ file, from, to: at, firstLine });
        if (runs.length >= MAX_RUNS) return undefined;
        [from, firstLine] = [at, number];
      }
      lastId = id;
    }
    if (input.bytesRead > from) runs.push({ file, from, to: input.bytesRead, firstLine });
  }
  return runs.length > MAX_RUNS ? undefined : runs;
}

const ID = /^\d+-\d+$/;

/** @returns undefined for a line that is of another domain, or no entry */
function idOf(text: string, ofDomain: string): string | undefined {
  try {
    const { id, domain = ofDomain } = JSON.parse(text) as { id?: unknown; domain?: unknown };
    return typeof id === 'string' && ID.test(id) && domain === ofDomain ? id : undefined;
  } catch {
    return undefined;
  }
}

/** What was left out of runs that were put in order. */
export interface LeftOut {
  /** Entries that came twice. */
  repeated: number;
  /** Entries of other domains, by domain. */
  readonly others: Map<string, number>;
}

/** The lines of a domain in the order of their ids, each once. */
export async function* mergeRuns(
  runs: readonly Run[],
  domain: string,
  reading: Reading,
  left: LeftOut,
): AsyncGenerator<LedgerLine> {
  const several = new Set(runs.map(({ file }) => file)).size > 1;
  const heads: { line: LedgerLine; rest: AsyncGenerator<LedgerLine> }[] = [];
  const put = async (rest: AsyncGenerator<LedgerLine>) => {
    const { value: line, done } = await rest.next();
    if (done) return;
    // The one that was first mostly is again.
    const at = heads.findIndex((head) => compareIds(line.entry.id, head.line.entry.id) <= 0);
    heads.splice(at < 0 ? heads.length : at, 0, { line, rest });
  };
  for (const run of runs) await put(readRun(run, domain, reading, left, several));
  let lastId: string | undefined;
  for (let head = heads.shift(); head; head = heads.shift()) {
    const { line, rest } = head;
    if (line.entry.id === lastId) left.repeated += 1;
    else yield line;
    lastId = line.entry.id;
    await put(rest);
  }
}

async function* readRun(
  { file, from, to, firstLine }: Run,
  domain: string,
  reading: Reading,
  left: LeftOut,
  several: boolean,
): AsyncGenerator<LedgerLine> {
  const input = createReadStream(file, { start: from, end: to - 1 });
  const first = { line: firstLine, at: from, file: several ? `${file} ` : '' };
  for await (const line of readEntries(input, reading, first)) {
    const { domain: other = domain } = line;
    if (other === domain) yield line;
    else left.others.set(other, (left.others.get(other) ?? 0) + 1);
  }
}
