import { parseArgs } from 'node:util';
import type { Policy } from '../policy/policy.js';
import { type AgentAnswer, explainAgent } from '../report/agent.js';
import { agentText } from '../report/agent-text.js';
import { agentJson, billJson } from '../report/answer-json.js';
import { explainBill } from '../report/bill.js';
import { billText } from '../report/bill-text.js';
import { findRun } from '../report/run.js';
import { runJson, runNotFound, runText } from '../report/run-text.js';
import { styleFor } from '../report/style.js';
import { readLedger } from '../store/ledger-reader.js';
import type { Spend } from '../store/spend.js';
import { type Command, EXIT, UsageError } from './command.js';
import { newReading, readLedgerFile } from './ledger-file.js';
import { meant } from './meant.js';
import { askedPeriod, PERIOD_HELP, PERIOD_OPTIONS, recentMonth, topOf } from './period.js';
import { showProgress } from './progress.js';
import { askAgain } from './reader.js';
import { openSpend } from './spend.js';
import { fail, type OpenStore, ownPolicy, STORE_HELP, STORE_OPTIONS, withStore } from './store.js';

const text = { type: 'string' } as const;

export const explain: Command = {
  help: `usage: tollgate explain AGENT [options]
       tollgate explain [options]
       tollgate explain --run ID [--file FILE] [options]

With an agent: what it spent beside what was to be expected, why, and under which limits. Without a period:
today or yesterday, whichever is unusual; else the last seven days.
Without one: what made the bill change against the period before. Without a period: this month so far, or
in its first days the month before.
With a run: the tree of its calls, and what each has cost with all below it.

${PERIOD_HELP}
  --top N                 how many agents the bill shows; default 10, and all with --json
  --run ID                the run
  --file FILE             read the run from the NDJSON file of TOLLGATE_LEDGER_SINK, or of tollgate
                          export, for when the ledger no longer has it; - is standard input
${STORE_HELP}`,

  run(args) {
    const { values, file, answer } = explainFrom(args);
    return file ? explainRunOf(file) : withStore(values, (store) => askAgain(() => answer(store)));
  },
};

/** A run in a file: no store is asked about it. */
interface RunInFile {
  readonly file: string;
  readonly run: string;
  readonly json: boolean;
}

/** The command line, read: where to ask, and how the answer is made and printed. */
export function explainFrom(args: string[]): {
  values: { domain?: string | undefined };
  file: RunInFile | undefined;
  answer: (store: OpenStore) => Promise<number>;
} {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...STORE_OPTIONS, ...PERIOD_OPTIONS, run: text, file: text, top: text },
  });
  const [agent, ...others] = positionals;
  if (others.length > 0) throw new UsageError('explain takes at most one agent');
  const json = values.json === true;
  const top = topOf(values.top, json);
  const { run, file } = values;
  if (run !== undefined && agent !== undefined) {
    throw new UsageError('give an agent or --run, not both');
  }
  if (file !== undefined && run === undefined) throw new UsageError('--file needs --run');

  async function answer(store: OpenStore): Promise<number> {
    const { connection, domain } = store;
    if (run !== undefined) {
      const { timezone } = store.policy;
      return answerRun(run, readLedger(connection, domain), undefined, timezone, json);
    }
    const { spend, policy } = await openSpend(store);
    const { timezone } = policy;
    const nowMs = Date.now();
    const period = askedPeriod(values, policy, nowMs);
    const progress = showProgress(() => `reading the spend of ${agent ?? 'all agents'}`);
    try {
      const style = styleFor(process.stdout, process.env);
      if (agent === undefined) {
        const asked = period ?? recentMonth(policy, nowMs);
        const bill = await explainBill(spend, { period: asked, timezone, nowMs });
        progress.stop();
        print(json ? billJson(bill, top) : billText(bill, top, style));
        return EXIT.ok;
      }
      const told = await explainAgent(spend, { agent, period, timezone, nowMs, policy });
      progress.stop();
      if (isUnknown(told)) return await unknownAgent(spend, agent, policy);
      print(json ? agentJson(told) : agentText(told, style));
      return EXIT.ok;
    } finally {
      progress.stop();
    }
  }

  const inFile = run === undefined || file === undefined ? undefined : { file, run, json };
  return { values, file: inFile, answer };
}

function print(answer: object | string): void {
  console.log(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

/** Nothing is known of it that an answer could be about. */
function isUnknown({ gathered, expected, happened, noted }: AgentAnswer): boolean {
  const usual = expected?.usual.size ?? 0;
  return gathered.size === 0 && usual === 0 && happened.length === 0 && noted.length === 0;
}

async function unknownAgent(spend: Spend, agent: string, policy: Policy): Promise<number> {
  const known = await spend.known();
  if (!known) {
    return fail(
      'nothing has been recorded yet, of any agent: no sidecar of this domain has authorized a call (--domain names another one)',
      EXIT.wrong,
    );
  }
  const agents = await spend.agents();
  if (agents.has(agent)) {
    return fail(
      `no call of the agent "${agent}" is known of this time, nor of that before (days of ${policy.timezone}); give another period`,
      EXIT.wrong,
    );
  }
  return fail(`no call of an agent "${agent}" is known; ${meant(agent, agents)}`, EXIT.wrong);
}

async function explainRunOf({ file, run, json }: RunInFile): Promise<number> {
  const reading = newReading();
  const progress = showProgress(() => `${reading.entries} entries read`);
  try {
    return await answerRun(run, readLedgerFile(file, reading), file, ownPolicy().timezone, json);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Error ? error.message : error;
    return fail(`${file} cannot be read: ${why}`, EXIT.wrong);
  } finally {
    progress.stop();
    if (reading.bad > 0)
      console.error(`${reading.bad} lines are no entry, such as ${reading.problems[0]}`);
  }
}

async function answerRun(
  run: string,
  source: Parameters<typeof findRun>[1],
  file: string | undefined,
  timezone: string,
  json: boolean,
): Promise<number> {
  const found = await findRun(run, source);
  if (!found.run) return fail(runNotFound(run, found.oldestMs, file, timezone), EXIT.wrong);
  const style = styleFor(process.stdout, process.env);
  print(json ? runJson(found.run) : runText(found.run, timezone, style));
  return EXIT.ok;
}
