import { parseArgs } from 'node:util';
import { DEMO_DOMAIN, eightWeeks } from '../demo/eight-weeks.js';
import { fillStore } from '../demo/fill.js';
import { historyOf } from '../demo/history.js';
import type { Plan } from '../demo/plan.js';
import type { Connection } from '../redis/connection.js';
import { readSettings } from '../settings.js';
import { type Command, EXIT, UsageError } from './command.js';
import { keepPolicies, makeRoom, openDemoStore } from './demo-store.js';
import { explainFrom } from './explain.js';
import { reportFrom } from './report.js';
import { importInto } from './spend.js';
import { fail, type OpenStore } from './store.js';

/** The seed of the demo that everybody sees first. */
const SEED = 7;

export const demo: Command = {
  help: `usage: tollgate demo [options]

Fills a store with eight made-up weeks of a dozen agents in four teams, up to last midnight (UTC): a
promotion day, a model switch, a runaway loop, steady growth. Then it asks who spent what, and why.

  --seed N   another history; default ${SEED}
  --again    replace what an earlier demo has left

Without REDIS_URL the store is inside this process and gone afterwards; with it, it is kept in the domain
"${DEMO_DOMAIN}", apart from all others.`,

  async run(args) {
    const options = { seed: { type: 'string' }, again: { type: 'boolean' } } as const;
    const { values } = parseArgs({ args, options });
    const seed = Number(values.seed ?? SEED);
    if (!Number.isSafeInteger(seed)) throw new UsageError('--seed takes a whole number');
    const settings = readSettings(process.env);
    if ('problems' in settings) return fail(settings.problems.join('\n'), EXIT.wrong);
    const store = await openDemoStore(settings);
    if (typeof store === 'string') return fail(store, EXIT.unreachable);
    try {
      const problem = await makeRoom(store.connection, values.again ?? false);
      if (problem !== undefined) return fail(problem, EXIT.wrong);
      return await show(seed, store.connection, store.where);
    } finally {
      await store.close();
    }
  },
};

async function show(seed: number, connection: Connection, where: string): Promise<number> {
  const plan = eightWeeks(Date.now());
  const { policy } = plan.policies.at(-1) ?? {};
  if (!policy) throw new Error('the plan has no policy');
  const asked = { connection, domain: DEMO_DOMAIN, policy };
  await keepPolicies(connection, plan.policies);
  const taken = await fill(asked, seed, plan);
  const teams = new Set(plan.agents.map(({ team }) => team)).size;
  console.log(
    `Eight weeks of ${plan.agents.length} agents in ${teams} teams, from ${dateOf(plan.fromMs)} to ${dateOf(plan.toMs - 1)}, seed ${seed}:
${taken.toLocaleString('en-US')} entries, in the domain "${DEMO_DOMAIN}" of ${where}.`,
  );
  const yesterday = dateOf(plan.toMs - 1);
  const week = ['--from', dateOf(plan.toMs - WEEK_MS), '--to', yesterday];
  const questions = [
    { command: 'report', from: reportFrom, args: week },
    { command: 'explain', from: explainFrom, args: week },
    { command: 'explain', from: explainFrom, args: ['customer-support-v2', '--day', yesterday] },
  ] as const;
  for (const { command, from, args } of questions) {
    console.log(`\n$ tollgate ${command} ${args.join(' ')}\n`);
    const code = await from([...args]).answer(asked);
    if (code !== EXIT.ok) return code;
  }
  return EXIT.ok;
}

const WEEK_MS = 7 * 86_400_000;

async function fill(asked: OpenStore, seed: number, plan: Plan): Promise<number> {
  const weeksOf = (ms: number) => ((ms - plan.fromMs) / WEEK_MS).toFixed(1);
  const onBatch = (_: number, untilMs: number) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\x1b[Kfilling: week ${weeksOf(untilMs)} of 8`);
  };
  try {
    return await fillStore(historyOf(seed, plan), await importInto(asked), onBatch);
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }
}

/** In UTC, as the plan is. */
function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
