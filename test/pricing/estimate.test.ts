import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CostSource } from '../../src/model/amounts.js';
import type { Call } from '../../src/model/call.js';
import { estimateFor } from '../../src/pricing/estimate.js';
import { MAX_CALL_NANO } from '../../src/pricing/price.js';
import { callOf } from '../support/call.js';
import { bookOf } from '../support/prices.js';

const AT = Date.parse('2026-10-15T12:00:00Z');

const BOOK = bookOf(`
defaultTokensOut: 1000
prices:
  models:
    - { model: dear, inputUsdPerMillion: 1000000, outputUsdPerMillion: 1000000 }
  tools: { web_search: 0.01 }
`);

type Row = [
  name: string,
  call: Partial<Call>,
  seen: number | undefined,
  expected: [nano: number, CostSource, tokensIn: number, tokensOut: number],
];

/** gpt-4o is 2,500 nano-dollars a token in, 10,000 a token out. */
const ROWS: Row[] = [
  [
    'tokens in and out',
    { model: 'gpt-4o', tokensIn: 1240, tokensOut: 89 },
    undefined,
    [3_990_000, 'table', 1240, 89],
  ],
  [
    "the caller's cost goes before all",
    {
      model: 'gpt-4o',
      tool: 'web_search',
      tokensIn: 1240,
      tokensOut: 89,
      estimatedCostUsd: 0.0043,
    },
    5,
    [4_300_000, 'caller', 1240, 89],
  ],
  [
    'a cost of 0 is a cost',
    { model: 'gpt-4o', tokensIn: 10, estimatedCostUsd: 0 },
    undefined,
    [0, 'caller', 10, 1000],
  ],
  ['a tiny cost is no 0', { estimatedCostUsd: 1e-12 }, undefined, [1, 'caller', 0, 0]],
  [
    'tokens out go before the most of them',
    { model: 'gpt-4o', tokensIn: 10, tokensOut: 7, maxTokensOut: 500 },
    300,
    [95_000, 'table', 10, 7],
  ],
  [
    'the most goes before what was seen',
    { model: 'gpt-4o', tokensIn: 10, maxTokensOut: 500 },
    300,
    [5_025_000, 'table', 10, 500],
  ],
  [
    'what was seen goes before the default',
    { model: 'gpt-4o', tokensIn: 10 },
    300,
    [3_025_000, 'table', 10, 300],
  ],
  ['none seen is not unseen', { model: 'gpt-4o', tokensIn: 10 }, 0, [25_000, 'table', 10, 0]],
  [
    'the default is last',
    { model: 'gpt-4o', tokensIn: 10 },
    undefined,
    [10_025_000, 'table', 10, 1000],
  ],
  [
    'a third of the bytes, rounded up',
    { model: 'gpt-4o', inputBytes: 3001, tokensOut: 1 },
    undefined,
    [2_512_500, 'table', 1001, 1],
  ],
  [
    'tokens in go before bytes',
    { model: 'gpt-4o', inputBytes: 3000, tokensIn: 1, tokensOut: 1 },
    undefined,
    [12_500, 'table', 1, 1],
  ],
  ['a model alone', { model: 'gpt-4o' }, undefined, [10_000_000, 'table', 0, 1000]],
  [
    'a final call takes its tokens as they are',
    { model: 'gpt-4o', final: true, tokensIn: 10, maxTokensOut: 500 },
    300,
    [25_000, 'table', 10, 0],
  ],
  ['a final call that tells nothing', { model: 'gpt-4o', final: true }, 300, [0, 'none', 0, 0]],
  ['a tool with a price', { tool: 'web_search' }, undefined, [10_000_000, 'tool', 0, 0]],
  [
    'a tool, of a model that only asked',
    { tool: 'web_search', model: 'gpt-4o' },
    300,
    [10_000_000, 'tool', 0, 0],
  ],
  [
    'a final one',
    { tool: 'web_search', model: 'gpt-4o', final: true },
    300,
    [10_000_000, 'tool', 0, 0],
  ],
  [
    'a tool that is a model',
    { tool: 'web_search', model: 'gpt-4o', tokensIn: 1240, tokensOut: 89 },
    300,
    [3_990_000, 'table', 1240, 89],
  ],
  [
    'a tool without a price, of a model',
    { tool: 'openai_completion', model: 'gpt-4o', tokensIn: 1240, tokensOut: 89 },
    undefined,
    [3_990_000, 'table', 1240, 89],
  ],
  ['tokens without a model', { tokensIn: 10, maxTokensOut: 20 }, 300, [0, 'none', 10, 20]],
  [
    'tokens of a tool',
    { tool: 'web_search', tokensIn: 10, tokensOut: 20 },
    300,
    [10_000_000, 'tool', 10, 20],
  ],
  ['nothing at all', {}, 300, [0, 'none', 0, 0]],
  [
    'a model without a price',
    { model: 'nobody-knows-it', tokensIn: 1000, tokensOut: 100 },
    undefined,
    [22_500_000, 'assumed', 1000, 100],
  ],
  [
    'more than a call can cost',
    { model: 'dear', tokensIn: 1_000_000_000, tokensOut: 1_000_000_000 },
    undefined,
    [MAX_CALL_NANO, 'policy', 1_000_000_000, 1_000_000_000],
  ],
];

describe('the estimate of a call', () => {
  for (const [name, call, seen, [costNano, costSource, tokensIn, tokensOut]] of ROWS) {
    test(name, () => {
      assert.deepEqual(estimateFor(callOf(call), BOOK, seen, AT), {
        amounts: { costNano, costSource, tokensIn, tokensOut },
        unpriced: false,
      });
    });
  }

  test('where the policy denies models without a price, a call is unpriced if its cost needs one', () => {
    const book = bookOf('unpricedModel: deny\nprices: { tools: { web_search: 0.01 } }');
    const unpriced = (call: Partial<Call>) =>
      estimateFor(callOf({ model: 'nobody-knows-it', ...call }), book, undefined, AT).unpriced;
    assert.equal(unpriced({}), true);
    assert.equal(unpriced({ tokensIn: 1 }), true);
    assert.equal(unpriced({ tokensIn: 1, tool: 'web_search' }), true);
    assert.equal(unpriced({ estimatedCostUsd: 0.1 }), false, 'the caller says the cost');
    assert.equal(unpriced({ tool: 'web_search' }), false, 'the tool has a price');
    assert.equal(unpriced({ model: 'gpt-4o' }), false, 'it has a price');
    assert.equal(unpriced({ model: '' }), false, 'there is no model');
  });
});
