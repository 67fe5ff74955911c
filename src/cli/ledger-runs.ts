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

/** A line of several runs. */
export interface MergedLine extends LedgerLine {
  /** Between it and the one before may be entries that could not be read. */
  readonly apart: boolean;
}

/** One run as it is merged. */
interface Head {
  readonly line: MergedLine;
  readonly rest: AsyncGenerator<MergedLine, boolean>;
  /** What could not be read lies between the line of the run that was merged last, and this. */
  readonly unread: boolean;
}

/** The lines of a domain in the order of their ids, each once. */
export async function* mergeRuns(
  runs: readonly Run[],
  domain: string,
  reading: Reading,
  left: LeftOut,
): AsyncGenerator<MergedLine> {
  const several = new Set(runs.map(({ file }) => file)).size > 1;
  const heads: Head[] = [];
  let apart = false;
  const put = async (rest: Head['rest'], begun: boolean) => {
    const next = await rest.next();
    if (next.done) {
      apart ||= next.value;
      return;
    }
    const line = next.value;
    // The one that was first mostly is again.
    const at = heads.findIndex((head) => compareIds(line.entry.id, head.line.entry.id) <= 0);
    const head = { line, rest, unread: begun && line.apart };
    heads.splice(at < 0 ? heads.length : at, 0, head);
  };
  for (const run of runs) await put(readRun(run, domain, reading, left, several), false);
  let lastId: string | undefined;
  for (let head = heads.shift(); head; head = heads.shift()) {
    const { line, rest } = head;
    apart ||= line.apart || heads.some(({ unread }) => unread);
    if (line.entry.id === lastId) left.repeated += 1;
    else {
      yield { ...line, apart };
      apart = false;
    }
    lastId = line.entry.id;
    await put(rest, true);
  }
}

/** @returns whether lines after the last entry could not be read */
async function* readRun(
  { file, from, to, firstLine }: Run,
  domain: string,
  reading: Reading,
  left: LeftOut,
  several: boolean,
): AsyncGenerator<MergedLine, boolean> {
  const input = createReadStream(file, { start: from, end: to - 1 });
  const first = { line: firstLine, at: from, file: several ? `${file} ` : '' };
  let apart = false;
  let { bad } = reading;
  for await (const line of readEntries(input, reading, first)) {
    apart ||= reading.bad > bad;
    const { domain: other = domain } = line;
    if (other === domain) {
      yield { ...line, apart };
      apart = false;
    } else left.others.set(other, (left.others.get(other) ?? 0) + 1);
    // Other runs may have been read meanwhile.
    bad = reading.bad;
  }
  return apart || reading.bad > bad;
}
