import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { calcPrice, waitForUpdate } from '@pydantic/genai-prices';
import { parse } from 'csv-parse/sync';
import { costNano, formatRate, NO_USAGE, ratesFor } from '../../src/pricing/price.js';
import { PRICE_TABLE, plainDecimal, tablePrice } from '../../src/pricing/table.js';

const PRICES_CSV = fileURLToPath(
  new URL('../../../../shared/traces/model-prices-2026-08.csv', import.meta.url),
);

/** When the prices of that file were collected: noon, outside of DeepSeek's dear hours. */
const COLLECTED = '2026-08-21T12:00:00Z';

/** The price of a model, which the table must have. */
function found(model: string, provider = '', at = COLLECTED) {
  const price = tablePrice(model, provider, Date.parse(at));
  assert.ok(price, `${provider}/${model} has no price`);
  return price;
}

/** Rates as text: input, output, cached, written. */
function rates(model: string, provider = '', at = COLLECTED, tokensIn = 1): string[] {
  const { input, output, cachedInput, cacheWrite } = ratesFor(
    found(model, provider, at).price,
    tokensIn,
  );
  return [input, output, cachedInput, cacheWrite].map(formatRate);
}

test('the version and the date that are told are those of the package', () => {
  const file = new URL(
    '../../../node_modules/@pydantic/genai-prices/package.json',
    import.meta.url,
  );
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  assert.equal(PRICE_TABLE.version, version, 'set the version, and the date of its release');
  assert.match(PRICE_TABLE.date, /^\d{4}-\d\d-\d\d$/);
});

describe('golden prices', () => {
  const golden: [string, string, string[]][] = [
    ['gpt-4o', 'openai', ['2.5', '10', '1.25', '2.5']],
    ['gpt-4o-mini', 'openai', ['0.15', '0.6', '0.075', '0.15']],
    ['gpt-4.1', 'openai', ['2', '8', '0.5', '2']],
    ['gpt-5', 'openai', ['1.25', '10', '0.125', '1.25']],
    ['gpt-5-nano', 'openai', ['0.05', '0.4', '0.005', '0.05']],
    ['o3', 'openai', ['2', '8', '0.5', '2']],
    ['o4-mini', 'openai', ['1.1', '4.4', '0.275', '1.1']],
    ['text-embedding-3-small', 'openai', ['0.02', '0', '0.02', '0.02']],
    ['claude-haiku-4-5', 'anthropic', ['1', '5', '0.1', '1.25']],
    ['claude-sonnet-4-5', 'anthropic', ['3', '15', '0.3', '3.75']],
    ['claude-opus-4-1', 'anthropic', ['15', '75', '1.5', '18.75']],
    ['claude-opus-4-5', 'anthropic', ['5', '25', '0.5', '6.25']],
    ['gemini-2.5-pro', 'google', ['1.25', '10', '0.125', '1.25']],
    ['gemini-2.5-flash', 'google', ['0.3', '2.5', '0.03', '0.3']],
    ['gemini-2.5-flash-lite', 'google', ['0.1', '0.4', '0.01', '0.1']],
    ['codestral-2508', 'mistral', ['0.3', '0.9', '0.03', '0.3']],
    ['grok-4.3', 'x-ai', ['1.25', '2.5', '0.2', '1.25']],
    ['llama-3.3-70b-versatile', 'groq', ['0.59', '0.79', '0.59', '0.59']],
    ['amazon.nova-pro-v1:0', 'aws', ['0.8', '3.2', '0.2', '0.8']],
    ['command-a', 'cohere', ['2.5', '10', '2.5', '2.5']],
  ];
  for (const [model, provider, expected] of golden) {
    test(model, () => assert.deepEqual(rates(model, provider), expected));
  }

  test('gpt-4o, 1240 in and 89 out, is $0.00399', () => {
    const usage = { ...NO_USAGE, tokensIn: 1240, tokensOut: 89 };
    assert.equal(costNano(found('gpt-4o').price, usage), 3_990_000);
  });

  test('the cheapest token, at 2.8 nano-dollars, loses nothing', () => {
    const { price } = found('deepseek-v4-flash', 'deepseek', '2026-08-16T12:00:00Z');
    const cost = (tokens: number) =>
      costNano(price, { ...NO_USAGE, tokensIn: tokens, cachedTokensIn: tokens });
    assert.equal(cost(5), 14);
    assert.equal(cost(1_000_000_000), 2_800_000_000);
  });

  test('what is kept in the cache for an hour is dearer', () => {
    const { cacheWrite, cacheWrite1h } = found('claude-sonnet-4-5').price.base;
    assert.deepEqual([cacheWrite, cacheWrite1h].map(formatRate), ['3.75', '6']);
  });

  test('some providers charge each request too', () => {
    const usage = { ...NO_USAGE, tokensIn: 1_000, tokensOut: 1_000 };
    assert.equal(costNano(found('sonar', 'perplexity').price, usage), 14_000_000);
  });
});

describe('prices that change', () => {
  test('a price counts from its day on', () => {
    assert.deepEqual(rates('o3', 'openai', '2025-06-09T23:59:59.999Z').slice(0, 2), ['10', '40']);
    assert.deepEqual(rates('o3', 'openai', '2025-06-10T00:00:00Z').slice(0, 2), ['2', '8']);
    const before = found('o3', 'openai', '2025-06-09T00:00:00Z');
    assert.equal(before.sinceMs, undefined);
    assert.equal(before.untilMs, Date.parse('2025-06-10'));
    const after = found('o3', 'openai', '2025-06-10T00:00:00Z');
    assert.equal(after.sinceMs, Date.parse('2025-06-10'));
    assert.equal(after.untilMs, Number.POSITIVE_INFINITY);
    assert.equal(found('gemini-3.6-flash').untilMs, Date.parse('2027-01-01'), 'announced');
  });

  test('a price may depend on the hour', () => {
    const input = (time: string) => rates('deepseek-v4-flash', '', `2026-09-30T${time}Z`)[0];
    const hours = ['00:59:59.999', '01:00:00', '03:59:59', '04:00:00', '06:00:00', '10:00:00'];
    assert.deepEqual(hours.map(input), ['0.22', '0.44', '0.44', '0.22', '0.44', '0.22']);
    const until = (time: string) =>
      new Date(found('deepseek-v4-flash', '', `2026-09-30T${time}Z`).untilMs).toISOString();
    assert.equal(until('00:30:00'), '2026-09-30T01:00:00.000Z');
    assert.equal(until('01:00:00'), '2026-09-30T04:00:00.000Z');
    assert.equal(until('09:00:00.001'), '2026-09-30T10:00:00.000Z');
    assert.equal(until('10:00:00'), '2026-10-01T01:00:00.000Z');
    const longAgo = found('deepseek-v4-flash', '', '1969-12-31T23:00:00Z').untilMs;
    assert.equal(new Date(longAgo).toISOString(), '1970-01-01T01:00:00.000Z');
  });

  test('until it is said to change, no price changes', async () => {
    const startMs = Date.parse('2026-08-16T20:00:00Z');
    for (const { id, models } of (await waitForUpdate()) ?? []) {
      for (const model of models.filter(({ prices }) => Array.isArray(prices))) {
        let until = Number.NEGATIVE_INFINITY;
        let kept: string[] = [];
        for (let atMs = startMs; atMs < startMs + 3 * 86_400_000; atMs += 900_000) {
          const now = tablePrice(model.id, id, atMs);
          const texts = now ? Object.values(now.price.base).map(formatRate) : [];
          if (atMs < until) assert.deepEqual(texts, kept, `${id}/${model.id} at ${atMs}`);
          until = now?.untilMs ?? Number.NEGATIVE_INFINITY;
          kept = texts;
          assert.ok(!now || until > atMs);
        }
      }
    }
  });
});

describe('a model by the names that callers have for it', () => {
  const names: [string, string, string | undefined][] = [
    ['gpt-4o', '', 'openai/gpt-4o'],
    ['GPT-4o', 'OpenAI', 'openai/gpt-4o'],
    ['gpt-4o-2024-08-06', '', 'openai/gpt-4o'],
    ['gpt-4o-2024-08-06', 'azure', 'azure/gpt-4o'],
    ['openai/gpt-4o', '', 'openai/gpt-4o'],
    ['openai/gpt-4o', 'openai', 'openai/gpt-4o'],
    ['openai/gpt-4o', 'openrouter', 'openrouter/openai/gpt-4o'],
    ['openrouter/openai/gpt-4o', '', 'openrouter/openai/gpt-4o'],
    ['openai:gpt-4o', '', 'openai/gpt-4o'],
    ['azure/gpt-4o', 'litellm', 'azure/gpt-4o'],
    ['ft:gpt-4o-2024-08-06:org::id', '', 'openai/ft:gpt-4o'],
    ['text-embedding-3-small', '', 'openai/text-embedding-3-small'],
    ['gpt-4o', 'my-gateway', 'openai/gpt-4o'],
    ['claude-sonnet-4-5', 'aws', 'anthropic/claude-sonnet-4-5'],
    ['anthropic/claude-sonnet-4-5', '', 'anthropic/claude-sonnet-4-5'],
    ['anthropic:claude-sonnet-4-5', '', 'anthropic/claude-sonnet-4-5'],
    [
      'anthropic.claude-3-5-sonnet-20241022-v2:0',
      '',
      'aws/regional.anthropic.claude-3-5-sonnet-20241022-v2:0',
    ],
    [
      'us.anthropic.claude-3-5-sonnet-20241022-v2:0',
      'aws.bedrock',
      'aws/regional.anthropic.claude-3-5-sonnet-20241022-v2:0',
    ],
    [
      'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20241022-v2:0',
      '',
      'aws/regional.anthropic.claude-3-5-sonnet-20241022-v2:0',
    ],
    ['models/gemini-2.5-pro', '', 'google/gemini-2.5-pro'],
    ['models/gemini-2.5-pro', 'gcp.gemini', 'google/gemini-2.5-pro'],
    [
      'projects/p/locations/l/publishers/google/models/gemini-2.5-pro',
      'gcp.vertex_ai',
      'google/gemini-2.5-pro',
    ],
    ['groq/llama-3.3-70b-versatile', '', 'groq/llama-3.3-70b-versatile'],
    ['my-llama', '', undefined],
    ['my-llama', 'openai', undefined],
    ['my/own/model', 'my-gateway', undefined],
    ['/', '/', undefined],
    [':', '', undefined],
    ['x'.repeat(256), 'y'.repeat(256), undefined],
    ['whisper-1', 'openai', undefined],
  ];
  for (const [model, provider, entry] of names) {
    test(`${model.slice(0, 90)} of ${provider.slice(0, 20) || 'nobody'}`, () => {
      assert.equal(tablePrice(model, provider, Date.parse(COLLECTED))?.entry, entry);
    });
  }
});

/**
 * Where the table does not say what the collected prices say, and why. With `at`, it says so at that
 * time.
 */
const DIFFERENT: Readonly<Record<string, { why: string; at?: string }>> = {
  'gpt-5.6-sol': {
    why: 'its price fell on the day of the collection',
    at: '2026-08-20T12:00:00Z',
  },
  'deepseek-v4-pro': {
    why: 'its price rose on 2026-08-17, which the collection had not seen',
    at: '2026-08-16T12:00:00Z',
  },
  'deepseek-v4-flash': {
    why: 'its price rose on 2026-08-17, which the collection had not seen',
    at: '2026-08-16T12:00:00Z',
  },
  'claude-sonnet-5': {
    why: 'the collection has what was announced for 2026-09-01; the later table has 2 and 10 throughout, as two other sources',
  },
  'mistral-medium-3': { why: 'the table takes it for the newest of its line, medium 3.5' },
  'grok-4.5': { why: 'the table has 0.3 for cached input, the collection 0.5' },
};

test('the collected prices of 2026-08 agree', { skip: !existsSync(PRICES_CSV) }, (t) => {
  const rows: Record<string, string>[] = parse(readFileSync(PRICES_CSV), { columns: true });
  let agreeing = 0;
  for (const row of rows) {
    const model = row['model'] ?? '';
    const different = DIFFERENT[model];
    const { price } = found(model, row['provider'], different?.at);
    const long = ratesFor(price, Number(row['long_ctx_threshold_tokens']) + 1);
    const pairs: [string | undefined, bigint][] = [
      [row['input_usd_per_1m'], price.base.input],
      [row['output_usd_per_1m'], price.base.output],
      [row['cached_input_usd_per_1m'], price.base.cachedInput],
      [row['cache_write_5m_usd_per_1m'], price.base.cacheWrite],
      [row['cache_write_1h_usd_per_1m'], price.base.cacheWrite1h],
      [row['long_ctx_input_usd_per_1m'], long.input],
      [row['long_ctx_output_usd_per_1m'], long.output],
    ];
    const agrees = pairs.every(([text, rate]) => !text || formatRate(rate) === text);
    assert.equal(agrees, !different || different.at !== undefined, model);
    if (agrees) agreeing += 1;
  }
  t.diagnostic(`${agreeing} of ${rows.length} models agree`);
  assert.equal(rows.length, 67);
  assert.equal(agreeing, 64);
});

test('every model of the table costs what the package itself reckons, but for its binary fractions', async () => {
  const usages = [
    { tokensIn: 0, tokensOut: 0, cachedTokensIn: 0, cacheWriteTokensIn: 0 },
    { tokensIn: 1_240, tokensOut: 89, cachedTokensIn: 0, cacheWriteTokensIn: 0 },
    { tokensIn: 10_000, tokensOut: 500, cachedTokensIn: 9_000, cacheWriteTokensIn: 700 },
    { tokensIn: 200_000, tokensOut: 1, cachedTokensIn: 1, cacheWriteTokensIn: 1 },
    { tokensIn: 1_000_000, tokensOut: 1_000, cachedTokensIn: 999_999, cacheWriteTokensIn: 1 },
  ];
  const timestamp = new Date(COLLECTED);
  let compared = 0;
  for (const { id, models } of (await waitForUpdate()) ?? []) {
    for (const model of models) {
      const price = tablePrice(model.id, id, timestamp.getTime())?.price;
      for (const usage of price ? usages : []) {
        const theirs = calcPrice(
          {
            input_tokens: usage.tokensIn,
            output_tokens: usage.tokensOut,
            cache_read_tokens: usage.cachedTokensIn,
            cache_write_tokens: usage.cacheWriteTokensIn,
          },
          model.id,
          { providerId: id, timestamp },
        );
        if (!price || !theirs) continue;
        const ours = costNano(price, { ...usage, cacheWrite1hTokensIn: 0 });
        const difference = Math.abs(ours - theirs.total_price * 1e9);
        assert.ok(difference <= 0.5001, `${id}/${model.id}: ${ours}, not ${theirs.total_price}`);
        compared += 1;
      }
    }
  }
  assert.ok(compared > 7_000, `only ${compared} were compared`);
});

test('a double becomes the decimal that it was written as', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [2.5, '2.5'],
    [0.0028, '0.0028'],
    [1e-7, '0.0000001'],
    [2.75e-7, '0.000000275'],
    [1e21, '1000000000000000000000'],
    [1.5e21, '1500000000000000000000'],
    [0.1 + 0.2, '0.30000000000000004'],
  ];
  for (const [value, text] of cases) assert.equal(plainDecimal(value), text);
});
