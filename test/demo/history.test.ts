import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { eightWeeks } from '../../src/demo/eight-weeks.js';
import { historyOf } from '../../src/demo/history.js';
import { compareIds, type Entry } from '../../src/model/entry.js';
import { postingOf } from '../../src/model/spend.js';
import { dayStartMs } from '../../src/policy/days.js';
import { compareAgents } from '../../src/report/watch.js';
import { formatEntry, parseEntry } from '../../src/store/entry.js';
import { planOf } from '../support/plan.js';
import { spendOf } from '../support/spend.js';

const SEED = 7;
const NOW = Date.parse('2026-11-25T08:00Z');

function digest(entries: Iterable<Entry>): string {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(JSON.stringify(entry));
  return hash.digest('hex');
}

test('a seed and a plan give one history, another seed another', () => {
  const plan = planOf('customer-support-v2', 3, () => []);
  assert.equal(digest(historyOf(SEED, plan)), digest(historyOf(SEED, plan)));
  assert.notEqual(digest(historyOf(SEED, plan)), digest(historyOf(SEED + 1, plan)));
});

describe('the eight weeks of the demo', async () => {
  const plan = eightWeeks(NOW);
  const entries = [...historyOf(SEED, plan)];
  const spend = spendOf(entries, plan.timezone);

  test('are of every kind that a ledger has, but for what is withdrawn', () => {
    const kinds = new Set(entries.map(({ kind }) => kind));
    const all =
      'authorized settled ran_out released denied halted resumed granted threshold policy annotation';
    assert.deepEqual([...kinds].toSorted(), all.split(' ').toSorted());
    const settled = entries.filter((entry) => entry.kind === 'settled');
    assert.ok(settled.some(({ state }) => state === 'unauthorized'));
    assert.ok(settled.some(({ ranOut }) => ranOut));
    assert.ok(settled.some(({ final }) => final));
  });

  test('ascend, end by the midnight before, and can be kept in a stream', () => {
    assert.equal(plan.toMs, dayStartMs(plan.timezone, NOW));
    let last = '0-0';
    for (const entry of entries) {
      assert.ok(compareIds(last, entry.id) < 0, `${last} before ${entry.id}`);
      assert.ok(entry.atMs >= plan.fromMs && entry.atMs < plan.toMs, entry.id);
      last = entry.id;
    }
    for (const entry of entries.slice(0, 2_000)) {
      assert.deepEqual(parseEntry(entry.id, formatEntry(entry)), entry);
    }
  });

  test('every call that was admitted ends once', () => {
    const open = new Map<string, Entry>();
    for (const entry of entries) {
      if (entry.kind === 'authorized') open.set(entry.facts.callId, entry);
      const ends =
        entry.kind === 'settled' || entry.kind === 'released' || entry.kind === 'ran_out';
      if (ends) open.delete(entry.facts.callId);
    }
    assert.equal(open.size, 0);
  });

  test('no agent passes its budget, and the loop runs into it', () => {
    const spent = new Map<string, number>();
    for (const entry of entries) {
      const posting = postingOf(entry);
      if (!posting || posting.sums.unauthorizedNano > 0n) continue;
      const key = `${posting.attributes.agent} ${dayStartMs(plan.timezone, entry.atMs)}`;
      spent.set(key, (spent.get(key) ?? 0) + Number(posting.sums.costNano));
    }
    const most = [...spent].toSorted(([, a], [, b]) => b - a)[0];
    assert.match(most?.[0] ?? '', /^invoice-matcher /);
    assert.ok(most && most[1] > 59e9 && most[1] <= 60e9, String(most));
    const denied = entries.filter((entry) => entry.kind === 'denied');
    assert.deepEqual(
      [...new Set(denied.map(({ rule, facts }) => `${rule} ${facts.agent}`))],
      ['agent-daily-budget invoice-matcher', 'halt invoice-matcher'],
    );
  });

  test('have the unusual days that were planted', async () => {
    const on = async (daysAgo: number) => {
      const dayMs = dayStartMs(plan.timezone, plan.toMs - daysAgo * 86_400_000 + 43_200_000);
      const compared = await compareAgents(spend, plan.timezone, dayMs, NOW);
      return compared
        .filter(({ unusual }) => unusual.unusual)
        .toSorted((a, b) => Number(b.unusual.excessNano - a.unusual.excessNano))
        .map(({ agent }) => agent);
    };
    assert.deepEqual((await on(1)).slice(0, 2), ['customer-support-v2', 'contract-reader']);
    assert.deepEqual((await on(3)).slice(0, 1), ['invoice-matcher']);
  });
});
