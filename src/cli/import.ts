import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Entry } from '../model/entry.js';
import type { LedgerLine } from '../model/ledger-line-parse.js';
import { encodeValue } from '../policy/partition.js';
import { keepPolicyText } from '../store/policies.js';
import { type Command, EXIT, UsageError } from './command.js';
import { batchesOf, newReading, type Reading } from './ledger-file.js';
import { findRuns, type LeftOut, mergeRuns, type Run } from './ledger-runs.js';
import { showProgress } from './progress.js';
import { importInto } from './spend.js';
import { withInputAsFile } from './spool.js';
import { fail, type OpenStore, STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

/** What one import has done. */
interface Done extends LeftOut {
  taken: number;
  skipped: number;
  unsure: number;
  /** Calls that the entries leave open. */
  readonly open: Set<string>;
}

export const importing: Command = {
  help: `usage: tollgate import FILE... [options]

Adds up the entries that export has written, or a keeper's TOLLGATE_LEDGER_SINK: the spend then has them, as
it had when they happened. Only those that it lacks are taken, so it may be run again, and gives back what a
Redis has lost that was flushed or restored from an older snapshot. Name all files of one ledger at once:
what lies between the first and the last entry is known then, and not asked for again, but for what is on
lines that cannot be read: mend them, and import the file again. The lines may be in
the order in which they were written, or in that of their ids. - is standard input.
What is older than the ledger still has, but not than its first entry, is taken where a sidecar or a keeper has
seen that Redis went back; elsewhere it is not known whether it counts, and the exit code is 1.

  --from-domain NAME      the domain whose lines are taken, of a file of several; default: the same
${STORE_HELP}`,

  async run(args) {
    const { values, positionals: files } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...STORE_OPTIONS, 'from-domain': { type: 'string' } },
    });
    if (files.length === 0) throw new UsageError('import takes a file');
    for (const file of files) {
      const stat = file === '-' ? undefined : statSync(file, { throwIfNoEntry: false });
      if (file !== '-' && !stat) throw new UsageError(`there is no file ${file}`);
      if (stat?.isDirectory()) throw new UsageError(`${file} is a folder: name the files in it`);
    }
    return withStore(values, async (store) => {
      const given = values['from-domain'];
      const from = given === undefined ? store.domain : fromDomain(store, given);
      const work = async (names: readonly string[]) => {
        const runs = await findRuns(names, from);
        if (!runs) {
          return fail(
            `the lines of ${files.join(', ')} are in no order, and none was taken: sort them by their ids first (sort -t '"' -k 4,4V ${files.join(' ')} | tollgate import -)`,
            EXIT.wrong,
          );
        }
        const reading = newReading();
        const done = await takeAll(store, from, runs, reading);
        if (values.json) showJson(store.domain, reading, done);
        else show(store.domain, from, reading, done);
        const allOthers = done.others.size > 0 && done.taken + done.skipped + done.unsure === 0;
        return reading.bad > 0 || done.unsure > 0 || allOthers ? EXIT.wrong : EXIT.ok;
      };
      if (!files.includes('-')) return work(files);
      return withInputAsFile((input) => work(files.map((file) => (file === '-' ? input : file))));
    });
  },
};

/** As a sidecar names it. */
function fromDomain({ policy }: OpenStore, given: string): string {
  return 'name' in policy.domain ? given : encodeValue(given);
}

async function takeAll(
  store: OpenStore,
  from: string,
  runs: readonly Run[],
  reading: Reading,
): Promise<Done> {
  const left: LeftOut = { repeated: 0, others: new Map() };
  const done: Done = { taken: 0, skipped: 0, unsure: 0, ...left, open: new Set() };
  const progress = showProgress(() => `${reading.lines} lines read, ${done.taken} entries taken`);
  const take = await importInto(store);
  try {
    for await (const lines of batchesOf(mergeRuns(runs, from, reading, done))) {
      const apart = new Set(lines.flatMap((line) => (line.apart ? [line.entry.id] : [])));
      const { taken, skipped, unsure } = await take(
        lines.map(({ entry }) => entry),
        apart,
      );
      done.taken += taken;
      done.skipped += skipped;
      done.unsure += unsure;
      for (const { entry } of lines) followCall(done.open, entry);
      await keepTexts(store, lines);
    }
  } finally {
    progress.stop();
  }
  return done;
}

function followCall(open: Set<string>, entry: Entry): void {
  if (!('facts' in entry) || entry.kind === 'denied') return;
  const call = `${entry.facts.agent}\n${entry.facts.callId}`;
  if (entry.kind === 'authorized' && entry.holdUntilUs > 0) open.add(call);
  else open.delete(call);
}

async function keepTexts({ connection, domain }: OpenStore, lines: readonly LedgerLine[]) {
  for (const { entry, policyText } of lines) {
    if (entry.kind !== 'policy' || policyText === undefined) continue;
    await keepPolicyText(connection, domain, { hash: entry.hash, text: policyText });
  }
}

function showJson(domain: string, { lines, bad, problems }: Reading, done: Done): void {
  const { taken, skipped, unsure, repeated, others, open } = done;
  const otherDomains = Object.fromEntries(others);
  const left = { skipped, unsure, repeated, otherDomains, openCalls: open.size };
  console.log(JSON.stringify({ domain, lines, taken, ...left, bad, problems }));
}

/** Names on one line. */
const MAX_NAMED = 10;

function show(domain: string, from: string, { bad, problems }: Reading, done: Done): void {
  const { taken, skipped, unsure, repeated, others, open } = done;
  console.log(`${taken} entries taken into the domain "${domain}"`);
  if (skipped > 0) {
    console.log(
      `${skipped} skipped: they are in its ledger, or of a time that was imported before, or of one to come`,
    );
  }
  if (unsure > 0) {
    console.log(
      `${unsure} not taken: they are older than what the ledger still has, so it is not known whether they count. They do, unless Redis was restored or failed over while no sidecar and no keeper had seen them`,
    );
  }
  if (repeated > 0) console.log(`${repeated} skipped: the lines come twice`);
  if (others.size > 0) {
    const names = [...others.keys()].slice(0, MAX_NAMED).join(', ');
    const count = [...others.values()].reduce((sum, number) => sum + number, 0);
    console.log(
      `${count} left out: they are not of the domain "${from}" but of ${names}${others.size > MAX_NAMED ? ' and others' : ''}; --from-domain takes those of another`,
    );
  }
  if (open.size > 0) {
    console.log(
      `${open.size} calls are admitted in these entries and not settled: what they held counts nowhere until they are`,
    );
  }
  if (bad > 0) console.log(`lines that are no entry of a ledger: ${bad}`);
  for (const problem of problems) console.log(`  ${problem}`);
  if (bad > problems.length) console.log(`  and ${bad - problems.length} more`);
}
