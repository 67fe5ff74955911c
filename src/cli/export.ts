import { parseArgs } from 'node:util';
import { DateTime } from 'luxon';
import { dayStartsMs } from '../policy/days.js';
import type { Policy } from '../policy/policy.js';
import type { Connection } from '../redis/connection.js';
import { focusHead, focusLine } from '../report/focus.js';
import { spendHead, spendLine } from '../report/spend-csv.js';
import { linesOf } from '../store/ledger-lines.js';
import { readLedger } from '../store/ledger-reader.js';
import type { Spend, SpendRow } from '../store/spend.js';
import { type Command, EXIT, UsageError } from './command.js';
import { MOMENT_HELP, periodMs } from './moment.js';
import { type Output, openOutput } from './output.js';
import { showProgress } from './progress.js';
import { openSpend } from './spend.js';
import { STORE_HELP, withStore } from './store.js';

const FORMATS = ['ndjson', 'csv', 'focus'] as const;
type Format = (typeof FORMATS)[number];

/** Some kilobytes at a time: a write for each line would cost more than the line. */
const LINES_AT_ONCE = 500;

const DAY_MS = 86_400_000;

const text = { type: 'string' } as const;

export const exporting: Command = {
  help: `usage: tollgate export [options]

Writes what the ledger has, or the spend of each day.

  --format FORMAT         ndjson: the entries of the ledger, one a line, which import reads back; their
                            field spendNano adds up to the spend
                          csv: the spend of each day by its attributes
                          focus: the same in the columns of FOCUS 1.1
                          default: that of the name of --out, else ndjson
  --from, --to TIME       only this time; default: all there is. csv and focus have whole days. A time is
                          ${MOMENT_HELP}
  --out FILE              write there; the file appears once it is whole. Default: standard output
${STORE_HELP.replace(/.*--json.*\n/, '')}`,

  async run(args) {
    const { values } = parseArgs({
      args,
      options: { domain: text, format: text, from: text, to: text, out: text },
    });
    const format = formatOf(values.format, values.out);
    return withStore(values, async (store) => {
      const { connection, domain } = store;
      const opened = format === 'ndjson' ? undefined : await openSpend(store);
      const { timezone } = opened?.policy ?? store.policy;
      const period = periodMs(values, timezone);
      const output = openOutput(values.out);
      const count = { written: 0, unreadable: 0 };
      const what = format === 'ndjson' ? 'entries' : 'rows';
      const progress = showProgress(() => `${count.written} ${what}`);
      try {
        const texts =
          opened && format !== 'ndjson'
            ? spendTexts(opened.spend, format, {
                ...period,
                domain,
                policy: opened.policy,
                count,
              })
            : ledgerTexts(connection, domain, period, count);
        await writeAll(output, texts);
        await output.finish();
      } catch (error) {
        await output.abandon();
        throw error;
      } finally {
        progress.stop();
      }
      if (values.out !== undefined) console.error(`${count.written} ${what} in ${values.out}`);
      if (count.unreadable > 0) {
        console.error(`entries that cannot be read, and were left out: ${count.unreadable}`);
      }
      return EXIT.ok;
    });
  },
};

function formatOf(given: string | undefined, file: string | undefined): Format {
  if (given === undefined) return file?.endsWith('.csv') ? 'csv' : 'ndjson';
  const format = FORMATS.find((known) => known === given);
  if (format) return format;
  throw new UsageError(`--format "${given}" is none of ${FORMATS.join(', ')}`);
}

async function writeAll(output: Output, texts: AsyncIterable<string>): Promise<void> {
  let waiting: string[] = [];
  for await (const line of texts) {
    waiting.push(line);
    if (waiting.length < LINES_AT_ONCE) continue;
    await output.write(waiting.join(''));
    waiting = [];
  }
  if (waiting.length > 0) await output.write(waiting.join(''));
}

interface Count {
  written: number;
  unreadable: number;
}

interface Period {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

async function* ledgerTexts(
  connection: Connection,
  domain: string,
  { fromMs, toMs }: Period,
  count: Count,
): AsyncGenerator<string> {
  const onUnreadable = () => {
    count.unreadable += 1;
  };
  for await (const batch of readLedger(connection, domain, { from: fromMs, toMs, onUnreadable })) {
    for (const line of await linesOf(connection, domain, batch)) yield `${line}\n`;
    count.written += batch.length;
  }
}

async function* spendTexts(
  spend: Spend,
  format: 'csv' | 'focus',
  how: Period & { domain: string; policy: Policy; count: Count },
): AsyncGenerator<string> {
  const { domain, count } = how;
  const { timezone, ledger } = how.policy;
  yield format === 'csv' ? spendHead(ledger.labels) : focusHead();
  const known = await spend.known();
  if (!known) return;
  const fromMs = Math.max(how.fromMs ?? 0, known.sinceMs - 2 * DAY_MS);
  const toMs = Math.min(how.toMs ?? Number.POSITIVE_INFINITY, known.untilMs + 1);
  for (const startMs of dayStartsMs(timezone, fromMs, toMs)) {
    const [endMs = startMs] = dayStartsMs(timezone, startMs + 1, startMs + 3 * DAY_MS);
    const day = DateTime.fromMillis(startMs, { zone: timezone }).toISODate() ?? '';
    for (const row of await rowsOf(spend, startMs)) {
      const line =
        format === 'csv'
          ? spendLine(day, row, ledger.labels)
          : focusLine(domain, timezone, { startMs, endMs }, row);
      if (line === '') continue;
      yield line;
      count.written += 1;
    }
  }
}

/** The rows of one day, in an order that does not change from export to export. */
async function rowsOf(spend: Spend, startMs: number): Promise<SpendRow[]> {
  const rows: { readonly row: SpendRow; readonly key: string }[] = [];
  for await (const batch of spend.rows('day', [startMs])) {
    for (const row of batch) rows.push({ row, key: JSON.stringify(row.attributes) });
  }
  rows.sort((a, b) => (a.key < b.key ? -1 : 1));
  return rows.map(({ row }) => row);
}
