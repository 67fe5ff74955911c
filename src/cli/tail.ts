import { parseArgs, styleText } from 'node:util';
import type { Entry } from '../model/entry.js';
import { formatLine } from '../model/ledger-line.js';
import { KIND_LETTERS } from '../store/entry.js';
import { lastEntries, readLedger } from '../store/ledger-reader.js';
import { type Command, EXIT, UsageError } from './command.js';
import { showEntry } from './show-entry.js';
import { STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

/** A screen's worth. */
const DEFAULT_LAST = 20;

const MAX_LAST = 10_000;

const KINDS = Object.keys(KIND_LETTERS);

const text = { type: 'string' } as const;

export const tail: Command = {
  help: `usage: tollgate tail [options]

Prints the last entries of the ledger, one a line: what was authorized, settled, denied, halted, changed.

  --last N                how many; default ${DEFAULT_LAST}
  --follow, -f            goes on with what happens next, until it is stopped
  --agent NAME            only what is about this agent
  --kind KIND,...         only these kinds: ${KINDS.slice(0, 6).join(', ')},
                          ${KINDS.slice(6).join(', ')}
${STORE_HELP}`,

  async run(args) {
    const { values } = parseArgs({
      args,
      options: {
        ...STORE_OPTIONS,
        last: text,
        agent: text,
        kind: text,
        follow: { type: 'boolean', short: 'f' },
      },
    });
    const last = lastOf(values.last);
    const keep = filterOf(values.agent, values.kind);
    return withStore(values, async ({ connection, domain, policy }) => {
      const print = values.json
        ? (entry: Entry) => console.log(formatLine(entry, { domain }))
        : (entry: Entry) => console.log(coloured(entry, policy.timezone));
      let unreadable = 0;
      const onUnreadable = () => {
        unreadable += 1;
      };
      const found = await lastEntries(connection, domain, last, keep, onUnreadable);
      for (const entry of found.entries) print(entry);
      if (!found.all) {
        console.error('the search for more was given up: they are too far back, if there are any');
      }
      if (found.entries.length === 0 && !values.follow) {
        console.error(`the ledger of the domain "${domain}" has no such entry`);
      }
      if (values.follow) {
        const options = { from: found.lastId, follow: untilSignal(), onUnreadable };
        for await (const batch of readLedger(connection, domain, options)) {
          for (const entry of batch.filter(keep)) print(entry);
        }
      }
      if (unreadable > 0)
        console.error(`entries that cannot be read, and were left out: ${unreadable}`);
      return EXIT.ok;
    });
  },
};

function lastOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_LAST;
  const last = Number(given);
  if (Number.isInteger(last) && last >= 0 && last <= MAX_LAST) return last;
  throw new UsageError(`--last must be a whole number from 0 to ${MAX_LAST}`);
}

function filterOf(agent: string | undefined, kinds: string | undefined): (entry: Entry) => boolean {
  const wanted = kinds?.split(',').map((kind) => kind.trim());
  const unknown = wanted?.find((kind) => !KINDS.includes(kind));
  if (unknown !== undefined) {
    throw new UsageError(`--kind "${unknown}" is none of ${KINDS.join(', ')}`);
  }
  return (entry) =>
    (agent === undefined || isAbout(entry, agent)) &&
    (wanted === undefined || wanted.includes(entry.kind));
}

/** A run's root agent pays for what its sub-agents do, but this asks who acted. */
function isAbout(entry: Entry, agent: string): boolean {
  if ('facts' in entry) return entry.facts.agent === agent;
  return 'agent' in entry && entry.agent === agent;
}

const COLOURS: Partial<Record<Entry['kind'], Parameters<typeof styleText>[0]>> = {
  denied: 'red',
  halted: 'red',
  ran_out: 'yellow',
  threshold: 'yellow',
  annotation: 'cyan',
  policy: 'cyan',
  authorized: 'gray',
};

function coloured(entry: Entry, timezone: string): string {
  const line = showEntry(entry, timezone);
  const colour = COLOURS[entry.kind];
  return colour && process.stdout.isTTY ? styleText(colour, line) : line;
}

function untilSignal(): AbortSignal {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopped.abort());
  }
  return stopped.signal;
}
