import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING, type Reported, withReport } from '../../src/client/usage.js';

function reportedOf(...reports: unknown[]): Reported {
  let reported = NOTHING;
  for (const report of reports) {
    const next = withReport(reported, report);
    assert.ok(typeof next !== 'string', String(next));
    reported = next;
  }
  return reported;
}

const OPENAI = { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached: 4 } };
const GEMINI = { promptTokenCount: 8, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 8 }] };

/** What is given, what of it is sent, and the model that is named. */
const PROVIDERS: readonly [string, object, object, string?][] = [
  [
    'OpenAI, chat',
    { id: 'x', model: 'gpt-4o', choices: [{ message: { content: 'secret' } }], usage: OPENAI },
    { model: 'gpt-4o', usage: OPENAI },
    'gpt-4o',
  ],
  [
    'OpenAI, the last event of a stream',
    {
      type: 'response.completed',
      response: { model: 'gpt-5', output: ['secret'], usage: { input_tokens: 1 } },
    },
    { response: { model: 'gpt-5', usage: { input_tokens: 1 } } },
    'gpt-5',
  ],
  [
    'Anthropic',
    {
      model: 'claude-x',
      content: [{ text: 'secret' }],
      usage: { input_tokens: 5, service_tier: 'standard' },
    },
    { model: 'claude-x', usage: { input_tokens: 5, service_tier: 'standard' } },
    'claude-x',
  ],
  [
    'Gemini',
    { candidates: ['secret'], usageMetadata: GEMINI, modelVersion: 'gemini-x' },
    { modelVersion: 'gemini-x', usageMetadata: GEMINI },
    'gemini-x',
  ],
  [
    'Cohere',
    { text: 'secret', meta: { billed_units: { input_tokens: 3 }, warnings: ['secret'] } },
    { meta: { billed_units: { input_tokens: 3 } } },
  ],
  ['a usage object by itself', OPENAI, OPENAI],
  [
    'a usage object with text in it',
    { total_tokens: 9, note: 'secret', details: { cached_tokens: 2, note: 'secret' } },
    { total_tokens: 9, details: { cached_tokens: 2 } },
  ],
];

for (const [what, response, sent, model] of PROVIDERS) {
  test(`the usage of ${what} is sent, and nothing else`, () => {
    const { usage, usageJson } = reportedOf(response);
    assert.deepEqual(JSON.parse(usageJson), sent);
    assert.doesNotMatch(usageJson, /secret/);
    assert.equal(usage.model, model);
  });
}

test('amounts by name are merged, the later over the earlier, and none is summed up', () => {
  assert.deepEqual(reportedOf({ tokensIn: 10, tokensOut: 1 }, { tokensOut: 5 }, { costUsd: 0.1 }), {
    usage: { tokensIn: 10, tokensOut: 5, costUsd: 0.1 },
    usageJson: '',
  });
});

test('an amount that is undefined takes none away', () => {
  const { usage } = reportedOf({ tokensIn: 10 }, { tokensIn: undefined, tokensOut: 2 });
  assert.deepEqual(usage, { tokensIn: 10, tokensOut: 2 });
});

test("of the providers' objects the last counts, beside the amounts by name", () => {
  const first = { model: 'a', usage: { output_tokens: 1 } };
  const last = { usage: { output_tokens: 9 } };
  const { usage, usageJson } = reportedOf(first, { costUsd: 2 }, last);
  assert.deepEqual(JSON.parse(usageJson), last);
  assert.deepEqual(usage, { model: 'a', costUsd: 2 });
});

test('a report counts as it was when it was made', () => {
  const response = { usage: { output_tokens: 1 } };
  const { usageJson } = reportedOf(response);
  response.usage.output_tokens = 7;
  assert.equal(usageJson, '{"usage":{"output_tokens":1}}');
});

const cyclic: Record<string, unknown> = {};
cyclic['usage'] = cyclic;

const UNREADABLE: readonly [string, unknown, RegExp][] = [
  ['nothing', undefined, /^undefined is no usage$/],
  ['null, as in the chunks of a stream', null, /^null is no usage$/],
  ['a number', 5, /is no usage/],
  ['a list', [1], /is no usage/],
  ['a response whose usage is null', { choices: [], usage: null }, /choices, usage has no usage/],
  ['an empty object', {}, /^an object of nothing has no usage/],
  ['half a token', { tokensIn: 1.5 }, /^tokensIn: 1.5 is no count$/],
  ['negative tokens', { tokensOut: -1 }, /^tokensOut: -1/],
  ['text for a number', { tokensOut: '5' }, /^tokensOut: 5 is no count$/],
  ['a cost that is NaN', { costUsd: Number.NaN }, /^costUsd: NaN is no cost$/],
  ['a cost below 0', { costUsd: -0.01 }, /^costUsd: -0.01 is no cost$/],
  ['a BigInt', { usage: { input_tokens: 5n } }, /is no JSON: TypeError/],
  ['a cycle', cyclic, /is no JSON: TypeError/],
  ['a usage of 33 KB', { usage: { note: 'x'.repeat(33_000) } }, /over 32768 bytes/],
];

for (const [what, report, problem] of UNREADABLE) {
  test(`${what} is no report, and says why`, () => {
    const before = reportedOf({ tokensIn: 1 });
    const after = withReport(before, report);
    assert.match(typeof after === 'string' ? after : JSON.stringify(after), problem);
  });
}
