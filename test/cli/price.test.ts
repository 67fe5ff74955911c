import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tollgate } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';

describe('price', () => {
  const folder = scratchFolder();
  const withPolicy = (text: string) => ({ TOLLGATE_POLICY: writeScratch(folder, text) });

  test('says what a call costs, its rates, and how that is known', async () => {
    const { code, out } = await tollgate(['price', 'gpt-4o', '--in', '1240', '--out', '89']);
    assert.equal(code, 0);
    assert.equal(
      out,
      [
        '$0.00399  gpt-4o',
        '  1240  tokens in   at 2.5 USD per million',
        '  89    tokens out  at 10 USD per million',
        '  table: openai/gpt-4o in genai-prices 0.1.8 of 2026-09-23',
        '',
      ].join('\n'),
    );
  });

  test('takes cached tokens, a provider and a date into account', async () => {
    const { out } = await tollgate(
      [
        'price',
        'deepseek-v4-flash',
        '--provider',
        'deepseek',
        '--at',
        '2026-09-01T02:00:00Z',
      ].concat(['--in', '1000', '--cached', '900', '--out', '10']),
    );
    assert.equal(
      out,
      [
        '$0.0000698  deepseek-v4-flash',
        '  100  tokens in         at 0.44 USD per million',
        '  900  cached tokens in  at 0.014 USD per million',
        '  10   tokens out        at 1.32 USD per million',
        '  table: deepseek/deepseek-v4-flash in genai-prices 0.1.8 of 2026-09-23, since 2026-08-17',
        '',
      ].join('\n'),
    );
    const long = await tollgate(['price', 'gemini-2.5-pro', '--in', '200001', '--out', '0']);
    assert.match(long.out, /^\$0\.5000025 {2}gemini-2\.5-pro\n/);
    assert.match(long.out, /, the price of long inputs\n$/);
  });

  test("goes by the policy's prices", async () => {
    const env = withPolicy(
      'rules: []\nprices: { models: [{ model: my-llama, inputUsdPerMillion: 0.2, outputUsdPerMillion: 0.6, from: 2026-09-01 }] }\n',
    );
    const call = ['price', 'my-llama', '--in', '1000', '--out', '1000', '--at'];
    const { code, out } = await tollgate([...call, '2026-09-01'], env);
    assert.equal(code, 0);
    assert.match(out, /^\$0\.0008 {2}my-llama\n/);
    assert.match(out, /\n {2}policy: my-llama, since 2026-09-01\n$/);
    const before = await tollgate([...call, '2026-08-31'], env);
    assert.match(before.out, /^\$0\.09 {2}my-llama\n/);
    assert.match(before.out, /\n {2}assumed: nobody knows its price\n$/);
  });

  test('says so where the policy denies what has no price', async () => {
    const env = withPolicy('rules: []\nunpricedModel: deny\n');
    const { code, out } = await tollgate(['price', 'my-llama', '--in', '1', '--out', '1'], env);
    assert.equal(code, 1);
    assert.match(out, /\n {2}the policy denies calls to a model without a price\n$/);
    const bad = await tollgate(
      ['price', 'gpt-4o', '--in', '1', '--out', '1'],
      withPolicy('rules: 5\n'),
    );
    assert.equal(bad.code, 1);
    assert.match(bad.err, /^the policy is refused; tollgate check .* says why\n$/);
  });

  test('prints JSON, rates as text so that no digit is lost', async () => {
    const { out } = await tollgate([
      'price',
      'openai/gpt-5.4',
      '--in',
      '1000',
      '--out',
      '1',
      '--at',
      '2026-10-01',
      '--json',
    ]);
    const rates = {
      input: '2.5',
      output: '15',
      cachedInput: '0.25',
      cacheWrite: '2.5',
      cacheWrite1h: '2.5',
      request: '0',
    };
    const long = { ...rates, input: '5', output: '22.5', cachedInput: '0.5' };
    assert.deepEqual(JSON.parse(out), {
      model: 'openai/gpt-5.4',
      provider: '',
      at: '2026-10-01T00:00:00.000Z',
      costUsd: 0.002515,
      costNano: 2_515_000,
      source: 'table',
      origin: 'openai/gpt-5.4 in genai-prices 0.1.8 of 2026-09-23',
      since: null,
      denied: false,
      usdPerMillion: rates,
      longInputs: [
        { overTokensIn: 271_999, usdPerMillion: { ...long, cacheWrite: '5', cacheWrite1h: '5' } },
      ],
      table: { name: 'genai-prices', version: '0.1.8', date: '2026-09-23' },
    });
  });

  test('a mistake of the command line is named', async () => {
    const mistakes: [string[], RegExp][] = [
      [[], /price takes one model/],
      [['a', 'b', '--in', '1', '--out', '1'], /price takes one model/],
      [['a', '--out', '1'], /--in is missing/],
      [['a', '--in', '1'], /--out is missing/],
      [
        ['a', '--in', '1.5', '--out', '1'],
        /--in: "1\.5" must be a whole number from 0 to 1000000000/,
      ],
      [['a', '--in', '1', '--out', '1000000001'], /--out: "1000000001" must be a whole number/],
      [
        ['a', '--in', '1', '--out', '1', '--cached', '2'],
        /--in must include the tokens of --cached/,
      ],
      [['a', '--in', '1', '--out', '1', '--at', 'soon'], /--at: "soon" is no date/],
      [['a', '--no-such-option'], /no-such-option/],
    ];
    for (const [args, message] of mistakes) {
      const { code, err } = await tollgate(['price', ...args]);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, message);
      assert.match(err, /usage: tollgate price MODEL/);
    }
  });
});
