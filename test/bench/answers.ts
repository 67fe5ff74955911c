/**
 * npm run bench:answers: how long report and explain take, as whole commands, over 90 days of 10 to 5,000
 * agents. Prints a table of medians; the commands take turns.
 */
import type { Entry } from '../../src/model/entry.js';
import { openImport } from '../../src/store/import.js';
import { factsFor, UTC } from '../support/ledger.js';
import { startRedis } from '../support/redis.js';
import { tollgateProcess as tollgate } from '../support/run.js';
import { settledAt } from '../support/settled.js';
import { openStore } from '../support/store.js';

const AGENTS = [10, 100, 1_000, 5_000];
const DAYS = 90;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const ROUNDS = 5;
const BATCH = 5_000;

const COMMANDS = [
  ['report'],
  ['report', '--last', '90d'],
  ['report', '--last', '90d', '--by', 'team,model'],
  ['explain'],
  ['explain', '--last', '4w'],
  ['explain', 'agent-1'],
];

const redis = await startRedis();
const { connection } = await openStore(redis.url);

/** Three calls a day of each agent, with two tools in turns: two combinations of attributes. */
function* history(agents: number): Generator<Entry> {
  const fromMs = Math.floor(Date.now() / DAY_MS - DAYS) * DAY_MS;
  for (let day = 0; day < DAYS; day += 1) {
    for (const hour of [9, 13, 17]) {
      for (let a = 0; a < agents; a += 1) {
        const agent = `agent-${a}`;
        const entry = settledAt(
          fromMs + day * DAY_MS + hour * HOUR_MS + a,
          agent,
          50_000_000 + ((a * 7_919 + day * 104_729 + hour) % 50) * 1_000_000,
        );
        const tool = hour === 13 ? 'search' : 'openai_completion';
        const facts = factsFor(entry.facts.callId, {
          ...{ agent, tool, team: `team-${a % 20}`, model: a % 2 === 0 ? 'gpt-4o' : 'gpt-5' },
        });
        yield { ...entry, facts };
      }
    }
  }
}

async function fill(domain: string, agents: number): Promise<void> {
  const take = openImport(connection, domain, UTC);
  let batch: Entry[] = [];
  for (const entry of history(agents)) {
    batch.push(entry);
    if (batch.length < BATCH) continue;
    await take(batch);
    batch = [];
  }
  await take(batch);
}

async function seconds(command: readonly string[], domain: string): Promise<number> {
  const startedMs = performance.now();
  const { code, err } = await tollgate([...command, '--domain', domain], { REDIS_URL: redis.url });
  if (code !== 0) throw new Error(`tollgate ${command.join(' ')}: ${err}`);
  return (performance.now() - startedMs) / 1000;
}

console.log(`| agents | ${COMMANDS.map((command) => command.join(' ')).join(' | ')} |`);
console.log(`|---:|${COMMANDS.map(() => '---:|').join('')}`);
for (const agents of AGENTS) {
  const domain = `agents-${agents}`;
  await fill(domain, agents);
  const taken = COMMANDS.map(() => [] as number[]);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [i, command] of COMMANDS.entries()) taken[i]?.push(await seconds(command, domain));
  }
  const cells = taken.map((samples) => {
    const median = samples.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
    return `${median.toFixed(2)} s`;
  });
  console.log(`| ${agents} | ${cells.join(' | ')} |`);
}
connection.close();
await redis.stop();
