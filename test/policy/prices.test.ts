import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describePolicy } from '../../src/policy/describe.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { formatRate } from '../../src/pricing/price.js';
import { bookOf } from '../support/prices.js';

/** A file with one entry of prices, whose first line is the second of the file. */
function entry(fields: string): string {
  return `rules: []\nprices: { models: [{ ${fields} }] }\n`;
}

const PRICED = 'inputUsdPerMillion: 1, outputUsdPerMillion: 2';

describe('the prices of a policy', () => {
  test('are understood, and said', () => {
    const policy = parsePolicy(`
rules: []
prices:
  models:
    - model: ["my-llama-*", "!my-llama-free"]
      provider: my-gateway
      inputUsdPerMillion: 0.20
      outputUsdPerMillion: 0.60
      cachedInputUsdPerMillion: 0.05
      cacheWriteUsdPerMillion: 0.25
      from: 2026-09-01
    - model: "gpt-*"
      provider: azure
      discount: 0.15
  tools:
    web_search: 0.01
unpricedModel: deny
defaultTokensOut: 512
`);
    if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
    assert.deepEqual(describePolicy(policy).slice(0, 4), [
      'my-llama-*, !my-llama-free of my-gateway costs 0.2 USD per million tokens in, 0.6 out, 0.05 cached, 0.25 written to the cache, from 2026-09-01',
      'gpt-* of azure costs 15% less than the built-in price',
      'a call of the tool web_search costs 0.01 USD',
      'a model without a price is denied',
    ]);
    assert.equal(policy.prices.list.defaultTokensOut, 512);
  });

  test('are what they are by default', () => {
    const { list } = bookOf();
    assert.deepEqual([list.models, list.tools, list.deniesUnpriced], [[], [], false]);
    assert.equal(list.defaultTokensOut, 4096);
    const { input, output, cachedInput } = list.assumed.base;
    assert.deepEqual([input, output, cachedInput].map(formatRate), ['15', '75', '15']);
  });

  test('are exact, to every digit of the file', () => {
    const input = (digits: string) => {
      const book = bookOf(
        `prices: { models: [{ model: m, inputUsdPerMillion: ${digits}, outputUsdPerMillion: 0 }] }`,
      );
      return formatRate(book.priceOf('m', '', 0).price.base.input);
    };
    for (const digits of ['0.0028', '0.000000001', '123456.123456789', '1000000', '0']) {
      assert.equal(input(digits), digits);
    }
    const off = bookOf('prices: { models: [{ model: "*", discount: 0.000001 }] }');
    assert.equal(formatRate(off.priceOf('gpt-4o', '', 0).price.base.input), '2.4999975');
    const free = bookOf('prices: { models: [{ model: "*", discount: 1 }] }');
    assert.equal(formatRate(free.priceOf('gpt-4o', '', 0).price.base.input), '0');
    assert.equal(bookOf('prices: { tools: { t: 0.000000001 } }').toolNano('t'), 1);
    assert.equal(bookOf('prices: { tools: { t: 1000000 } }').toolNano('t'), 1e15);
  });

  const DECIMAL = 'must be a plain decimal in USD with at most 9 decimals, such as';
  const UNPRICED = 'must be deny, or both inputUsdPerMillion and outputUsdPerMillion';
  /** One mistake each: the text, and the only error that it may give. */
  const bad: [string, string, string][] = [
    ['an unknown key', 'rules: []\nprices: { model: {} }\n', '2:11 prices.model: unknown key'],
    [
      'an unknown price',
      entry(`model: m, ${PRICED}, usd: 1`),
      '2:79 prices.models[0].usd: unknown key',
    ],
    ['no model', entry(PRICED), '2:20 prices.models[0].model: is missing'],
    [
      'a bad glob',
      entry(`model: ["a", "b{1}"], ${PRICED}`),
      '2:35 prices.models[0].model[1]: "b{1}" is a bad glob: only * and ? are special, write alternatives as a list',
    ],
    [
      'a bad provider',
      entry(`model: m, provider: "", ${PRICED}`),
      '2:42 prices.models[0].provider: "" is an empty glob; leave the field out to match anything',
    ],
    [
      'no price of the output',
      entry('model: m, inputUsdPerMillion: 1'),
      '2:20 prices.models[0]: needs outputUsdPerMillion, or a discount',
    ],
    [
      'a price beside a discount',
      entry('model: m, discount: 0.1, cachedInputUsdPerMillion: 1'),
      '2:73 prices.models[0].cachedInputUsdPerMillion: has no meaning beside a discount',
    ],
    [
      'a negative price',
      entry('model: m, inputUsdPerMillion: -1, outputUsdPerMillion: 2'),
      '2:52 prices.models[0].inputUsdPerMillion: must not be negative',
    ],
    [
      'a price as text',
      entry('model: m, inputUsdPerMillion: "1", outputUsdPerMillion: 2'),
      '2:52 prices.models[0].inputUsdPerMillion: must be an amount of USD from 0',
    ],
    [
      'a price with an exponent',
      entry('model: m, inputUsdPerMillion: 1e2, outputUsdPerMillion: 2'),
      `2:52 prices.models[0].inputUsdPerMillion: ${DECIMAL} 0.25`,
    ],
    [
      'a price that is too fine',
      entry('model: m, inputUsdPerMillion: 0.0000000001, outputUsdPerMillion: 2'),
      `2:52 prices.models[0].inputUsdPerMillion: ${DECIMAL} 0.25`,
    ],
    [
      'a price that is too high',
      entry('model: m, inputUsdPerMillion: 1000000.01, outputUsdPerMillion: 2'),
      '2:52 prices.models[0].inputUsdPerMillion: must be at most 1000000 USD per million tokens',
    ],
    [
      'more than all off',
      entry('model: m, discount: 15'),
      '2:42 prices.models[0].discount: must be a share from 0 to 1, such as 0.15',
    ],
    [
      'a discount that is too fine',
      entry('model: m, discount: 0.0000001'),
      '2:42 prices.models[0].discount: must be a plain decimal with at most 6 decimals, such as 0.15',
    ],
    [
      'a day that is none',
      entry(`model: m, ${PRICED}, from: 2026-02-30`),
      '2:85 prices.models[0].from: must be a date such as 2026-09-01',
    ],
    [
      'a time of day',
      entry(`model: m, ${PRICED}, from: 2026-02-03T10:00:00Z`),
      '2:85 prices.models[0].from: must be a date such as 2026-09-01',
    ],
    [
      'the same twice',
      `rules: []\nprices:\n  models:\n    - { model: m, ${PRICED} }\n    - { model: m, discount: 0.1 }\n`,
      '5:7 prices.models[1]: is for the same models from the same day as another entry',
    ],
    [
      'a tool with a bad glob',
      'rules: []\nprices: { tools: { "a[b]": 1 } }\n',
      '2:20 prices.tools.a[b]: "a[b]" is a bad glob: only * and ? are special, write alternatives as a list',
    ],
    [
      'a tool with a negative price',
      'rules: []\nprices: { tools: { t: -1 } }\n',
      '2:23 prices.tools.t: must not be negative',
    ],
    [
      'a tool whose price is too fine',
      'rules: []\nprices: { tools: { t: 0.0000000001 } }\n',
      `2:23 prices.tools.t: ${DECIMAL} 0.01`,
    ],
    [
      'a tool that is too dear',
      'rules: []\nprices: { tools: { t: 1000000.01 } }\n',
      '2:23 prices.tools.t: must be at most 1000000 USD',
    ],
    ['an unknown fate', 'rules: []\nunpricedModel: allow\n', `2:16 unpricedModel: ${UNPRICED}`],
    [
      'half a price to assume',
      'rules: []\nunpricedModel: { inputUsdPerMillion: 15 }\n',
      '2:16 unpricedModel.outputUsdPerMillion: is missing',
    ],
    [
      'a negative price to assume',
      'rules: []\nunpricedModel: { inputUsdPerMillion: -1, outputUsdPerMillion: 75 }\n',
      '2:38 unpricedModel.inputUsdPerMillion: must not be negative',
    ],
    [
      'a price to assume that is too fine',
      'rules: []\nunpricedModel: { inputUsdPerMillion: 0.0000000001, outputUsdPerMillion: 75 }\n',
      `2:38 unpricedModel.inputUsdPerMillion: ${DECIMAL} 0.25`,
    ],
    [
      'half a token',
      'rules: []\ndefaultTokensOut: 0.5\n',
      '2:19 defaultTokensOut: must be a whole number from 0 to 1000000000',
    ],
    [
      'negative tokens',
      'rules: []\ndefaultTokensOut: -1\n',
      '2:19 defaultTokensOut: must be a whole number from 0 to 1000000000',
    ],
    [
      'too many tokens',
      'rules: []\ndefaultTokensOut: 1000000001\n',
      '2:19 defaultTokensOut: must be a whole number from 0 to 1000000000',
    ],
  ];
  for (const [name, text, expected] of bad) {
    test(`are refused: ${name}`, () => {
      const policy = parsePolicy(text);
      assert.ok('errors' in policy, 'it was accepted');
      assert.deepEqual(
        policy.errors.map(({ line, column, message }) => `${line}:${column} ${message}`),
        [expected],
      );
    });
  }

  test('that are too many are refused', () => {
    const tools = Array.from({ length: 501 }, (_, n) => `t${n}: 1`).join(', ');
    const models = Array.from({ length: 501 }, (_, n) => `{ model: m${n}, ${PRICED} }`).join(', ');
    assert.ok('errors' in parsePolicy(`rules: []\nprices: { tools: { ${tools} } }`));
    assert.ok('errors' in parsePolicy(`rules: []\nprices: { models: [${models}] }`));
  });

  test('every mistake of them is named at once, in its order', () => {
    const policy = parsePolicy(`
rules: []
prices:
  models:
    - { model: "a{", ${PRICED} }
    - { model: b, inputUsdPerMillion: 1e1, outputUsdPerMillion: 1e1 }
    - { model: c }
    - { model: d, discount: 0.1 }
    - { model: d, discount: 0.2 }
  tools:
    t: 1e1
unpricedModel: no
`);
    assert.ok('errors' in policy);
    assert.deepEqual(
      policy.errors.map(({ line }) => line),
      [5, 6, 6, 7, 7, 9, 11, 12],
    );
  });
});
