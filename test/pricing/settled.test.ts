import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Amounts, CostSource } from '../../src/model/amounts.js';
import { settledAmounts, type Told } from '../../src/pricing/settled.js';
import { bookOf } from '../support/prices.js';

const AT = Date.parse('2026-10-15T12:00:00Z');

const HELD: Amounts = { costNano: 77, costSource: 'table', tokensIn: 1000, tokensOut: 100 };

const NOTHING: Told = {
  tokensIn: undefined,
  tokensOut: undefined,
  cachedTokensIn: undefined,
  cacheWriteTokensIn: undefined,
  cacheWrite1hTokensIn: undefined,
  costUsd: undefined,
};

type Row = [
  name: string,
  used: Partial<Told>,
  model: string,
  expected: [nano: number, CostSource, tokensIn: number, tokensOut: number],
];

/** claude-sonnet-4-5, in nano-dollars a token: 3,000 in, 15,000 out, 300 cached, 3,750 written, 6,000 for an hour. */
const SONNET = 'claude-sonnet-4-5';
const ROWS: Row[] = [
  ['nothing told stays as held', {}, SONNET, [77, 'held', 1000, 100]],
  ['tokens cost their price', { tokensIn: 10, tokensOut: 1 }, SONNET, [45_000, 'table', 10, 1]],
  ['zero tokens are told too', { tokensIn: 0, tokensOut: 0 }, SONNET, [0, 'table', 0, 0]],
  ['absent tokens stay as held', { tokensOut: 1 }, SONNET, [3_015_000, 'table', 1000, 1]],
  [
    'a given cost is believed',
    { tokensIn: 10, tokensOut: 1, costUsd: 0.5 },
    SONNET,
    [500_000_000, 'caller', 10, 1],
  ],
  ['a cost of 0 too', { costUsd: 0 }, SONNET, [0, 'caller', 1000, 100]],
  [
    'cached tokens cost less',
    { tokensIn: 10_000, tokensOut: 0, cachedTokensIn: 9_000 },
    SONNET,
    [5_700_000, 'table', 10_000, 0],
  ],
  [
    'only the cached ones are told',
    { cachedTokensIn: 900 },
    SONNET,
    [2_070_000, 'table', 1000, 100],
  ],
  [
    'written ones cost more',
    { tokensIn: 1_000, tokensOut: 0, cacheWriteTokensIn: 600, cacheWrite1hTokensIn: 100 },
    SONNET,
    [3_675_000, 'table', 1_000, 0],
  ],
  [
    'more cached than input counts as input',
    { tokensIn: 3, tokensOut: 0, cachedTokensIn: 10_000 },
    SONNET,
    [3_000_000, 'table', 10_000, 0],
  ],
  [
    'tokens without a model change no cost',
    { tokensIn: 10, tokensOut: 1 },
    '',
    [77, 'held', 10, 1],
  ],
  ['a cost without a model', { costUsd: 1e-12 }, '', [1, 'caller', 1000, 100]],
  [
    'a model without a price costs what is assumed',
    { tokensIn: 10, tokensOut: 1 },
    'nobody-knows-it',
    [225_000, 'assumed', 10, 1],
  ],
];

describe('what a call has really used', () => {
  for (const [name, used, model, [costNano, costSource, tokensIn, tokensOut]] of ROWS) {
    test(name, () => {
      assert.deepEqual(settledAmounts({ ...NOTHING, ...used }, model, '', HELD, bookOf(), AT), {
        costNano,
        costSource,
        tokensIn,
        tokensOut,
      });
    });
  }

  test('a call that was made is priced, even where the policy denies models without a price', () => {
    const book = bookOf('unpricedModel: deny');
    const used = { ...NOTHING, tokensIn: 10, tokensOut: 1 };
    const { costNano, costSource } = settledAmounts(used, 'nobody-knows-it', '', HELD, book, AT);
    assert.deepEqual([costNano, costSource], [225_000, 'assumed']);
  });

  test('the price is that of the provider and the time', () => {
    const book = bookOf('prices: { models: [{ model: "*", provider: azure, discount: 0.5 }] }');
    const used = { ...NOTHING, tokensIn: 1_000, tokensOut: 0 };
    const cost = (model: string, provider: string, at: string) =>
      settledAmounts(used, model, provider, HELD, book, Date.parse(at)).costNano;
    assert.equal(cost('gpt-4o', 'azure', '2026-10-15'), 1_250_000);
    assert.equal(cost('gpt-4o', 'openai', '2026-10-15'), 2_500_000);
    assert.equal(cost('o3', '', '2025-06-09'), 10_000_000);
    assert.equal(cost('o3', '', '2025-06-10'), 2_000_000);
  });
});
