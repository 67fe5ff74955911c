import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commonFacts } from '../../src/guard/denials.js';
import type { DeniedEntry, Entry, Facts } from '../../src/model/entry.js';
import { findRun, type Search } from '../../src/report/run.js';
import { runJson, runNotFound, runText } from '../../src/report/run-text.js';
import { PLAIN } from '../../src/report/style.js';
import { factsFor, NO_WINDOW } from '../support/ledger.js';

const START_MS = Date.parse('2026-03-01T09:00Z');
const USD = 1_000_000_000;

/** Entries of calls, a second after one another. */
function ledger() {
  const entries: Entry[] = [];
  const base = () => {
    const atMs = START_MS + entries.length * 1_000;
    return { id: `${atMs}-0`, atMs };
  };
  const amounts = (usd: number) =>
    ({ costNano: usd * USD, costSource: 'table', tokensIn: 10, tokensOut: 2 }) as const;
  const factsOf = (callId: string, more: Partial<Facts>) =>
    factsFor(callId, { run: 'r1', agent: 'lead', tool: 'think', ...more });
  return {
    entries,
    admit(callId: string, usd: number, more: Partial<Facts> = {}) {
      const facts = factsOf(callId, more);
      const holdUntilUs = 0;
      entries.push({
        ...base(),
        kind: 'authorized',
        facts,
        held: amounts(usd),
        holdUntilUs,
        forced: false,
      });
    },
    settle(callId: string, usd: number, more: Partial<Facts> = {}, final = false) {
      const marks = { late: false, returned: false, ranOut: false, outcome: 'ok' } as const;
      const facts = factsOf(callId, more);
      const [held, settled] = [amounts(usd), amounts(usd)];
      entries.push({
        ...base(),
        kind: 'settled',
        facts,
        state: 'settled',
        final,
        ...marks,
        held,
        settled,
      });
    },
    end(kind: 'ran_out' | 'released', callId: string, usd: number, more: Partial<Facts> = {}) {
      entries.push({
        ...base(),
        kind,
        facts: factsOf(callId, more),
        held: amounts(usd),
        ranOut: false,
        final: false,
      });
    },
    find: (run = 'r1'): Promise<Search> =>
      findRun(
        run,
        (async function* () {
          // In small batches, so that a call is spread over several.
          for (let at = 0; at < entries.length; at += 3) yield entries.slice(at, at + 3);
        })(),
      ),
  };
}

test('a run is a tree with what each call and all below it has cost', async () => {
  const { admit, settle, end, find } = ledger();
  admit('c1', 2);
  const child = { agent: 'worker', parentCallId: 'c1', depth: 1 };
  admit('w1', 1, { ...child, tool: 'search' });
  settle('w1', 1, { ...child, tool: 'search' });
  for (const id of ['a', 'b', 'c', 'd']) {
    settle(`w2-${id}`, 0.25, { ...child, tool: 'fetch', parentCallId: 'w1', depth: 2 }, true);
  }
  admit('w3', 4, child);
  end('ran_out', 'w3', 4, child);
  admit('w4', 8, child);
  end('released', 'w4', 8, child);
  settle('c1', 2);
  admit('c2', 16);
  admit('other', 99, { run: 'r2' });
  const { run } = await find();
  assert.ok(run);
  assert.equal(
    runText(run, 'UTC', PLAIN),
    `Run r1
9 calls of 2 agents, from 1 March 2026, 09:00, in 12 s

call                     spend  with below  tokens  state
lead: think              $2.00       $8.00      12  settled
├─ worker: search        $1.00       $2.00      12  settled
│  └─ 4 x worker: fetch  $1.00                  48  settled
├─ worker: think         $4.00                  12  ran out
└─ worker: think         $0.00                      released
lead: think              $0.00                      holds $16.00

The run has spent $8.00, and $16.00 is held by calls that go on.

How it is known: 50.0% settled, 50.0% unsettled, 0.0% assumed price, $0.00 unauthorized; price table of 2026-09-23`,
  );
  const json = JSON.parse(JSON.stringify(runJson(run)));
  assert.equal(json.calls.length, 9);
  assert.deepEqual(
    [json.total.costUsd, json.heldUsd, json.calls[0].withBelowUsd, json.calls[1].parentAgent],
    ['8', '16', '8', 'lead'],
  );
});

test('denials count where a sum of them is of the run alone, and are said where it is not', async () => {
  const { entries, settle, find } = ledger();
  settle('c1', 1, {}, true);
  const deny = (calls: number, more: Partial<DeniedEntry>) => {
    const atMs = START_MS + entries.length * 1_000;
    entries.push({
      ...NO_WINDOW,
      ...{ kind: 'denied', id: `${atMs}-0`, atMs, rule: 'runs', partition: '', calls },
      // As gates sum them up.
      facts: commonFacts(factsFor('x', { agent: 'lead' })),
      asked: { costNano: calls * USD, costSource: 'caller', tokensIn: 0, tokensOut: 0 },
      ...{ firstUs: 0, lastUs: 0, ...more },
    });
  };
  deny(3, { partition: 'run=r1', run: 'r1' });
  deny(2, { partition: 'agent=lead,run=r1', run: 'r1' });
  deny(7, { partition: 'run=r2', run: 'r2' });
  deny(1, { partition: 'agent=lead', run: 'r1' });
  const { run } = await find();
  assert.ok(run);
  assert.deepEqual(
    [run.total.denied, run.total.deniedNano, run.deniedToo],
    [6, 6n * 10n ** 9n, false],
  );
  assert.match(runText(run, 'UTC', PLAIN), /^6 calls of it were denied, estimated at \$6\.00\.$/m);
  deny(9, { partition: 'agent=lead', run: 'r1' });
  const more = await find();
  assert.ok(more.run);
  assert.match(runText(more.run, 'UTC', PLAIN), /^At least 6 calls of it were denied/m);
  // A run that never got through is one.
  deny(1, { partition: 'run=r3', run: 'r3' });
  const [none, only] = [await find('r4'), await find('r3')];
  assert.equal(none.run, undefined);
  assert.equal(only.run?.total.denied, 1);
});

test('an id counts within its agent: the parent is the one a step above', async () => {
  const { settle, find } = ledger();
  settle('1', 1, { agent: 'a' }, true);
  settle('1', 1, { agent: 'b', parentCallId: '1', depth: 1 }, true);
  settle('2', 1, { agent: 'c', parentCallId: '1', depth: 2 }, true);
  const { run } = await find();
  assert.deepEqual(
    run?.roots.map((root) => [root.facts.agent, root.children[0]?.children[0]?.facts.agent]),
    [['a', 'c']],
  );
});

test('a chain of thousands, and a circle that callers claim, both end', async () => {
  const chain = ledger();
  for (let n = 0; n < 5_000; n += 1) {
    chain.settle(`${n}`, 0.001, n > 0 ? { parentCallId: `${n - 1}`, depth: n } : {}, true);
  }
  const { run } = await chain.find();
  assert.equal(run?.roots[0]?.total.costNano, 5_000_000_000n);
  assert.match(runText(run, 'UTC', PLAIN), /… and more; --json has all/);
  assert.ok(JSON.stringify(runJson(run)).length > 0);

  const circle = ledger();
  circle.settle('a', 1, { parentCallId: 'b' }, true);
  circle.settle('b', 1, { parentCallId: 'a' }, true);
  circle.settle('self', 1, { parentCallId: 'self' }, true);
  const found = await circle.find();
  assert.equal(found.run?.total.costNano, 3_000_000_000n);
  assert.equal(
    found.run?.roots.reduce((sum, { total }) => sum + total.costNano, 0n),
    3_000_000_000n,
  );
});

test('what the ledger no longer has is said, and where it is', async () => {
  const { settle, find } = ledger();
  settle('late', 1, { parentCallId: 'gone' });
  const { run } = await find();
  assert.equal(run?.missing, 2);
  assert.match(
    runText(run, 'UTC', PLAIN),
    /the run may not be whole; tollgate explain --run r1 --file FILE/,
  );
  const none = await find('r9');
  assert.equal(none.run, undefined);
  assert.match(
    runNotFound('r9', none.oldestMs, undefined, 'UTC'),
    /^the ledger, which goes back to 1 March 2026, 09:00, has no call of the run r9\. Older calls are in/,
  );
  assert.match(
    runNotFound('r9', none.oldestMs, 'f.ndjson', 'UTC'),
    /^f\.ndjson, which goes back to/,
  );
  assert.equal(runNotFound('r9', undefined, undefined, 'UTC'), 'the ledger has no entry at all');
});
