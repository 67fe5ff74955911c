import { existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Entry } from '../model/entry.js';
import type { Policy } from '../policy/policy.js';
import { readPolicy } from '../policy/watch.js';
import { startSimulatedRedis } from '../redis/simulated.js';
import { formatSecond } from '../report/dates.js';
import { pastEvents } from '../simulate/events.js';
import { createSimulation } from '../simulate/simulate.js';
import { warmUpFromMs } from '../simulate/warm-up.js';
import { readLedger } from '../store/ledger-reader.js';
import { type Command, EXIT, UsageError } from './command.js';
import { newReading, type Reading, readLedgerFile } from './ledger-file.js';
import { MOMENT_HELP, periodMs } from './moment.js';
import { showProgress } from './progress.js';
import { showBar } from './show.js';
import { type Simulated, simulationJson, simulationText } from './show-simulation.js';
import { policyProblem, STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

const text = { type: 'string' } as const;

export const simulate: Command = {
  help: `usage: tollgate simulate POLICY [options]

Puts past traffic to the policy file POLICY, through the same scripts that decide: what it would have denied
and allowed, whose calls, and how full its windows would have been. Nothing is changed anywhere.

  --file FILE             the traffic, as export writes it (- is standard input); default: the ledger
  --from, --to TIME       only this time; default: all there is. A time is
                          ${MOMENT_HELP}
${STORE_HELP}`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { ...STORE_OPTIONS, file: text, from: text, to: text },
    });
    const [name] = positionals;
    if (name === undefined || positionals.length > 1) {
      throw new UsageError('simulate takes one policy file');
    }
    const policy = readPolicy(name);
    if ('errors' in policy) {
      throw new UsageError(policyProblem(name, policy));
    }
    const period = periodMs(values, policy.timezone);
    const reading = newReading();
    const print = (simulated: Simulated) =>
      console.log(
        values.json
          ? JSON.stringify(simulationJson(name, policy, simulated))
          : simulationText(name, policy, simulated),
      );
    if (values.file !== undefined) {
      const { file } = values;
      if (file !== '-' && !existsSync(file)) throw new UsageError(`there is no file ${file}`);
      const bytes = file === '-' ? undefined : statSync(file).size;
      const entries = readLedgerFile(file, reading);
      print(await run(policy, entries, period, reading, bytes));
      return reading.bad > 0 ? EXIT.wrong : EXIT.ok;
    }
    return withStore(values, async ({ connection, domain }) => {
      const from = period.fromMs === undefined ? undefined : warmUpFromMs(policy, period.fromMs);
      const entries = readLedger(connection, domain, {
        from,
        toMs: period.toMs,
        onUnreadable() {
          reading.bad += 1;
        },
      });
      print(await run(policy, entries, period, reading, undefined));
      return EXIT.ok;
    });
  },
};

interface Period {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
}

async function run(
  policy: Policy,
  entries: AsyncIterable<Entry[]>,
  period: Period,
  reading: Reading,
  bytes: number | undefined,
): Promise<Simulated> {
  const { fromMs = Number.NEGATIVE_INFINITY } = period;
  const redis = await startSimulatedRedis();
  const simulation = createSimulation(redis, policy);
  let first: number | undefined;
  let filledFromUs: number | undefined;
  let last = 0;
  let events = 0;
  const progress = showProgress(() => {
    // The file is read ahead of the calls, but by little.
    const bar = bytes ? `${showBar(reading.bytes / bytes)} ` : '';
    return `${bar}${events} events${last ? `, at ${formatSecond(last / 1000, policy.timezone)}` : ''}`;
  });
  try {
    for await (const event of pastEvents(within(entries, policy, period))) {
      const counted = event.entry.atMs >= fromMs;
      filledFromUs ??= event.atUs;
      if (counted) {
        first ??= event.atUs;
        events += 1;
      }
      last = event.atUs;
      await simulation.take(event, counted);
    }
  } finally {
    progress.stop();
    await redis.close();
  }
  const { outcome } = simulation;
  const fromUs = first;
  return { outcome, fromUs, filledFromUs, toUs: last, reading };
}

/** The entries of the period, and those before it that its windows still hold. */
async function* within(
  entries: AsyncIterable<Entry[]>,
  policy: Policy,
  { fromMs, toMs = Number.POSITIVE_INFINITY }: Period,
): AsyncGenerator<Entry[]> {
  const startMs = fromMs === undefined ? 0 : warmUpFromMs(policy, fromMs);
  for await (const batch of entries) {
    yield batch.filter(({ atMs }) => atMs >= startMs && atMs < toMs);
  }
}
