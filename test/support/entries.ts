import fc from 'fast-check';
import { type Amounts, COST_SOURCES, METRICS } from '../../src/model/amounts.js';
import type { Entry, Facts } from '../../src/model/entry.js';
import { OUTCOMES } from '../../src/model/settlement.js';

/** Entries of the ledger: every kind, with the bounds that calls have. */

/** Plain objects, as the product makes them. */
function recordOf<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
}

const text = fc
  .string({ maxLength: 12, unit: 'grapheme' })
  .filter((s) => !/\p{Cc}|\ufffd/u.test(s));
const named = text.filter((s) => s !== '' && s !== '__proto__');
const ms = fc.integer({ min: Date.UTC(2001, 0), max: Date.UTC(2100, 0) });
const us = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function arbitraryAmounts(mostNano: number): fc.Arbitrary<Amounts> {
  return recordOf({
    costNano: fc.oneof(
      fc.integer({ min: 0, max: mostNano }),
      fc.integer({ min: 0, max: 10_000_000 }),
    ),
    costSource: fc.constantFrom(...COST_SOURCES),
    tokensIn: fc.nat(1_000_000_000),
    tokensOut: fc.nat(1_000_000_000),
  });
}

/** One call costs at most $1 million. */
const amounts = arbitraryAmounts(1e15);

const facts: fc.Arbitrary<Facts> = recordOf({
  callId: text,
  agent: named,
  team: text,
  costCentre: text,
  instance: text,
  tool: text,
  model: text,
  provider: text,
  operation: text,
  run: text,
  parentCallId: text,
  rootAgent: text,
  depth: fc.nat(50),
  fingerprint: text,
  timestampMs: fc.option(ms, { nil: undefined }),
  labels: fc.dictionary(named, text, { maxKeys: 3, noNullPrototype: true }),
}).map((all) => ({ ...all, rootAgent: all.rootAgent || all.agent }));

const base = recordOf({ ms, seq: fc.nat(100) }).map((at) => ({
  id: `${at.ms}-${at.seq}`,
  atMs: at.ms,
}));

function entryOf<T extends object>(about: fc.Arbitrary<T>): fc.Arbitrary<Entry> {
  return fc.tuple(base, about).map(([head, rest]) => ({ ...head, ...rest }) as unknown as Entry);
}

const flag = fc.boolean();

export const arbitraryEntry: fc.Arbitrary<Entry> = fc.oneof(
  entryOf(
    recordOf({
      kind: fc.constant('authorized'),
      facts,
      held: amounts,
      holdUntilUs: us,
      forced: flag,
    }),
  ),
  entryOf(
    recordOf({
      kind: fc.constant('settled'),
      facts,
      state: fc.constantFrom('settled', 'unheld', 'unauthorized'),
      final: flag,
      late: flag,
      returned: flag,
      ranOut: flag,
      outcome: fc.constantFrom(...OUTCOMES),
      heldAs: fc.option(recordOf({ model: text, provider: text }), { nil: undefined }),
      held: amounts,
      settled: amounts,
    }).map(({ heldAs, ...rest }) => (heldAs ? { ...rest, heldAs } : rest)),
  ),
  entryOf(
    recordOf({
      kind: fc.constantFrom('ran_out', 'released', 'withdrawn'),
      facts,
      held: amounts,
      ranOut: flag,
      final: flag,
    }),
  ),
  entryOf(
    recordOf({
      kind: fc.constant('denied'),
      rule: named,
      partition: text,
      facts,
      calls: fc.nat(100_000),
      // A sum over calls: more than a double of dollars can hold to the nano-dollar.
      asked: arbitraryAmounts(Number.MAX_SAFE_INTEGER),
      askedAgain: arbitraryAmounts(Number.MAX_SAFE_INTEGER).map(
        ({ costSource: _, ...asked }) => asked,
      ),
      firstUs: us,
      lastUs: us,
      window: fc.oneof(
        fc.constant({ metric: undefined, used: 0, limit: 0 }),
        recordOf({ metric: fc.constantFrom(...METRICS), used: us, limit: us }),
      ),
      retryAtUs: us,
      run: text,
    }).map(({ window, ...rest }) => ({ ...rest, ...window })),
  ),
  entryOf(
    recordOf({
      kind: fc.constant('halted'),
      agent: fc.oneof(named, fc.constant('*')),
      rule: text,
      by: text,
      why: text,
      untilUs: us,
    }),
  ),
  entryOf(recordOf({ kind: fc.constant('resumed'), agent: named, by: text })),
  entryOf(
    recordOf({
      kind: fc.constant('granted'),
      agent: named,
      rule: named,
      add: us,
      by: text,
      why: text,
      untilUs: us,
    }),
  ),
  entryOf(
    recordOf({
      kind: fc.constant('threshold'),
      rule: named,
      partition: text,
      metric: fc.constantFrom(...METRICS),
      limit: us,
      amount: us,
      agent: named,
    }),
  ),
  entryOf(recordOf({ kind: fc.constant('policy'), hash: named, from: text, by: text })),
  entryOf(
    recordOf({
      kind: fc.constant('annotation'),
      agent: text,
      text: fc.string({ unit: 'binary', maxLength: 40 }),
      by: text,
      fromMs: ms,
      toMs: ms,
    }),
  ),
);
