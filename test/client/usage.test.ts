import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOTHING, type Reported, withReport } from '../../src/client/usage.js';

function reportedOf(...reports: unknown[]): Reported {
  let reported = NOTHING;
  for (const report of reports) {
    const next = withReport(reported, report);
    assert.equal(next.problem, '');
    reported = next.reported;
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
  [
    'LangChain',
    { content: 'secret', usage_metadata: { input_tokens: 3, output_tokens: 4 } },
    { usage_metadata: { input_tokens: 3, output_tokens: 4 } },
  ],
  [
    "Anthropic's last event of a stream",
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 15 } },
    { usage: { output_tokens: 15 } },
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

/** Good parts beside bad ones: what is kept, and what is said of the rest. */
const PARTLY: readonly [string, object, object, RegExp][] = [
  [
    'more tokens than any call has',
    { tokensIn: 1_000_000_001, tokensOut: 5 },
    { tokensOut: 5 },
    /^tokensIn: 1000000001 is no count$/,
  ],
  [
    'a cost over a million',
    { tokensOut: 5, costUsd: 1_000_001 },
    { tokensOut: 5 },
    /^costUsd: 1000001 is no cost$/,
  ],
  [
    'more cached tokens than tokens',
    { tokensIn: 10, cachedTokensIn: 6, cacheWriteTokensIn: 5, tokensOut: 1 },
    { tokensIn: 10, tokensOut: 1 },
    /^tokensIn does not include/,
  ],
  ['a model that is no text', { tokensIn: 1, model: 5 }, { tokensIn: 1 }, /^model: 5 is no name$/],
  [
    'a symbol, and a list of them',
    { tokensIn: Symbol('x'), costUsd: [Symbol('x')], tokensOut: 2 },
    { tokensOut: 2 },
    /^tokensIn: Symbol\(x\) is no count; costUsd: object is no cost$/,
  ],
];

for (const [what, report, kept, problem] of PARTLY) {
  test(`of a report with ${what}, the rest counts`, () => {
    const read = withReport(NOTHING, report);
    assert.deepEqual(read.reported.usage, kept);
    assert.match(read.problem, problem);
  });
}

test("a model's name is sent as the API takes it: one line, whole characters, 256 bytes", () => {
  const names: readonly [string, string][] = [
    ['gpt\n4o', 'gpt 4o'],
    [`\ud800${'é'.repeat(200)}`, `\ufffd${'é'.repeat(126)}`],
  ];
  for (const [model, sent] of names) {
    assert.equal(reportedOf({ tokensIn: 1, model }).usage.model, sent);
    assert.equal(reportedOf({ usage: { output_tokens: 1 }, model }).usage.model, sent);
  }
});

const cyclic: Record<string, unknown> = {};
cyclic['usage'] = cyclic;

function getting(thrown: unknown): object {
  return {
    get usage() {
      throw thrown;
    },
  };
}

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
  ['a BigInt', { usage: { input_tokens: 5n } }, /^TypeError: .*BigInt/],
  ['a cycle', cyclic, /^TypeError: .*circular/],
  ['a getter that throws', getting(new Error('no usage yet')), /^Error: no usage yet$/],
  ['what throws what has no text', getting({ toString: undefined }), /^object$/],
  ['a promise', Promise.resolve({}), /^it is a promise: await it first$/],
  [
    'a response whose usage is a promise',
    { usage: Promise.resolve({}) },
    /^its usage is a promise/,
  ],
  ['a usage of 33 KB', { usage: { note: 'x'.repeat(33_000) } }, /over 32768 bytes/],
];

for (const [what, report, problem] of UNREADABLE) {
  test(`${what} is no report, and says why`, () => {
    const before = reportedOf({ tokensIn: 1 });
    const after = withReport(before, report);
    assert.match(after.problem, problem);
    assert.equal(after.reported, before);
  });
}
