import { NO_ACCESS } from '../../src/redis/access.js';
import { parseRedisUrl } from '../../src/redis/address.js';
import { type Connection, openConnection } from '../../src/redis/connection.js';
import { loadScripts, readLua, type Scripts } from '../../src/redis/scripts.js';
import { factsOf, formatFacts } from '../../src/store/facts.js';
import { ledgerKey, recordKey } from '../../src/store/keys.js';
import { questionArguments, questionKeys } from '../../src/store/question.js';
import { settleArguments } from '../../src/store/settlement.js';
import { callOf } from '../support/call.js';
import { MAX_ENTRIES, questionOf, UNSAID, windowOf } from '../support/question.js';
import type { RedisProcess } from '../support/redis.js';
import { until } from '../support/until.js';
import { cpuSeconds } from './process.js';

const ROUNDS = 5;
/** The kernel counts CPU in hundredths of a second: half a microsecond over so many calls. */
const CALLS = 20_000;
const AT_ONCE = 64;

const AMOUNTS = {
  costNano: 3_990_000,
  costSource: 'table',
  tokensIn: 1240,
  tokensOut: 89,
} as const;
const USED = { costNano: 3_500_000, costSource: 'table', tokensIn: 1240, tokensOut: 60 } as const;

/** The same scripts, but nothing goes to the ledger. */
function withoutLedger(): Scripts {
  return loadScripts((file) => {
    const text = readLua(file);
    if (file !== 'include/ledger.lua') return text;
    const silent = text.replace(/^ {2}redis\.call\('XADD'.*$/m, '');
    if (silent === text) throw new Error('include/ledger.lua appends in another way by now');
    return silent;
  });
}

/**
 * What the ledger adds to the Redis CPU of an admission, and of an admission with its settlement: the scripts
 * with three limits as they are beside the same without XADD, in turns; and what its entries take.
 */
export async function measureLedger(redis: RedisProcess, redisPid: number): Promise<string> {
  const ways = { with: open(redis, loadScripts()), without: open(redis, withoutLedger()) };
  await until('both connections', () => ways.with.ready() && ways.without.ready());
  const taken: Record<'admitted' | 'settled', Record<'with' | 'without', number[]>> = {
    admitted: { with: [], without: [] },
    settled: { with: [], without: [] },
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of ['with', 'without'] as const) {
      for (const kind of ['admitted', 'settled'] as const) {
        taken[kind][way].push(await perCallUs(ways[way], redisPid, `${way}${round}`, kind));
      }
    }
  }
  const bytes = Number(await redis.client.memory('USAGE', ledgerKey('test'), 'SAMPLES', 0));
  const entries = await redis.client.xlen(ledgerKey('test'));
  const written = ROUNDS * 3 * CALLS;
  if (entries !== written) throw new Error(`the ledger has ${entries} entries, not ${written}`);
  for (const { close } of Object.values(ways)) close();
  const row = (kind: 'admitted' | 'settled', name: string) =>
    `${name} ${median(taken[kind].with).toFixed(1)} µs of Redis CPU with the ledger, ${median(taken[kind].without).toFixed(1)} without`;
  return `Scripts alone, 3 limits, ${AT_ONCE} at once, medians of ${ROUNDS} rounds: ${row('admitted', 'an admission')}; ${row('settled', 'with its settlement')}. An entry of the ledger takes ${(bytes / entries).toFixed(0)} bytes.`;
}

function open(redis: RedisProcess, scripts: Scripts): Connection {
  const address = parseRedisUrl(redis.url, 'single');
  if (typeof address === 'string') throw new Error(address);
  return openConnection({
    address,
    access: NO_ACCESS,
    scripts,
    onFileProblem: () => {},
    onUp: () => {},
    onDown: () => {},
  });
}

async function perCallUs(
  connection: Connection,
  redisPid: number,
  name: string,
  kind: 'admitted' | 'settled',
): Promise<number> {
  const before = cpuSeconds(redisPid);
  let next = 0;
  const worker = async () => {
    while (next < CALLS) {
      const callId = `${kind}-${name}-${next++}`;
      await connection.run('authorize', ...questionFor(callId));
      if (kind === 'admitted') continue;
      const keys = [recordKey({ domain: 'test', agent: 'a', callId }), ledgerKey('test')];
      await connection.run('settle', keys, settleArguments('s', USED, UNSAID, MAX_ENTRIES));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return ((cpuSeconds(redisPid) - before) * 1e6) / CALLS;
}

function questionFor(callId: string): [string[], (string | number)[]] {
  const call = callOf({
    ...{ callId, agent: 'customer-support-v2', team: 'customer-ops', costCentre: 'CC-2041' },
    ...{ instance: 'support-7d4f9-x2x', tool: 'openai_completion', model: 'gpt-4o' },
  });
  const windows = (['calls', 'estimated_cost_usd', 'tokens'] as const).map((metric) =>
    windowOf({ rule: metric, metric, limit: 9e15 }),
  );
  const question = questionOf({
    callId,
    amounts: AMOUNTS,
    facts: formatFacts(factsOf(call)),
    windows,
  });
  return [
    questionKeys(question),
    questionArguments(question, Number.MAX_SAFE_INTEGER / 2, MAX_ENTRIES),
  ];
}

function median(samples: number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? 0;
}
