import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_USAGE_BYTES, readUsage } from '../../src/pricing/usage.js';

/** tokens in, out, cached, written to the cache, written for an hour */
type Counts = [number | undefined, number, number, number, number];

function read(response: unknown, provider: string, model: string): Counts | string {
  const usage = readUsage(JSON.stringify(response), provider, model);
  if ('problem' in usage) return usage.problem;
  const { tokensIn, tokensOut, cachedTokensIn, cacheWriteTokensIn, cacheWrite1hTokensIn } = usage;
  return [tokensIn, tokensOut, cachedTokensIn, cacheWriteTokensIn, cacheWrite1hTokensIn];
}

const OPENAI_CHAT = {
  id: 'chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG',
  object: 'chat.completion',
  created: 1741570283,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 2006,
    completion_tokens: 300,
    total_tokens: 2306,
    prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  },
  service_tier: 'default',
};

const OPENAI_RESPONSES = {
  id: 'resp_67ccd2bed1ec8190',
  object: 'response',
  status: 'completed',
  error: null,
  max_output_tokens: null,
  model: 'gpt-5-2025-08-07',
  output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }],
  usage: {
    input_tokens: 3600,
    input_tokens_details: { cached_tokens: 3072 },
    output_tokens: 870,
    output_tokens_details: { reasoning_tokens: 640 },
    total_tokens: 4470,
  },
};

const ANTHROPIC = {
  id: 'msg_013Zva2CMHLNnjNjJKqJ2EF',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Hi! My name is Claude.' }],
  stop_reason: 'end_turn',
  usage: {
    input_tokens: 21,
    cache_creation_input_tokens: 1188,
    cache_read_input_tokens: 18_000,
    cache_creation: { ephemeral_5m_input_tokens: 1088, ephemeral_1h_input_tokens: 100 },
    output_tokens: 393,
    service_tier: 'standard',
  },
};

const GEMINI = {
  candidates: [{ content: { parts: [{ text: 'Hi' }], role: 'model' }, finishReason: 'STOP' }],
  usageMetadata: {
    promptTokenCount: 4000,
    cachedContentTokenCount: 3500,
    candidatesTokenCount: 120,
    thoughtsTokenCount: 380,
    totalTokenCount: 4500,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 4000 }],
    cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 3500 }],
  },
  modelVersion: 'gemini-2.5-pro',
  responseId: 'x',
};

const GEMINI_PYTHON = {
  usage_metadata: {
    prompt_token_count: 4000,
    cached_content_token_count: 3500,
    candidates_token_count: 120,
    thoughts_token_count: 380,
    total_token_count: 4500,
    cache_tokens_details: null,
  },
  model_version: 'gemini-2.5-pro',
};

const BEDROCK_CONVERSE = {
  output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
  stopReason: 'end_turn',
  usage: {
    inputTokens: 30,
    outputTokens: 628,
    totalTokens: 5658,
    cacheReadInputTokens: 4000,
    cacheWriteInputTokens: 1000,
  },
  metrics: { latencyMs: 1275 },
};

const GROK = {
  model: 'grok-4.3',
  usage: {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 620,
    prompt_tokens_details: {
      text_tokens: 100,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens: 60,
    },
    completion_tokens_details: { reasoning_tokens: 500, audio_tokens: 0 },
  },
};

const EMBEDDING = {
  object: 'list',
  model: 'text-embedding-3-small',
  usage: { prompt_tokens: 8, total_tokens: 8 },
};

const COHERE = {
  id: 'c',
  usage: {
    billed_units: { input_tokens: 5, output_tokens: 418 },
    tokens: { input_tokens: 71, output_tokens: 418 },
  },
};

const OPENAI: Counts = [2006, 300, 1920, 0, 0];
const RESPONSES: Counts = [3600, 870, 3072, 0, 0];
const CLAUDE: Counts = [19_209, 393, 18_000, 1188, 100];
const GOOGLE: Counts = [4000, 500, 3500, 0, 0];
const CONVERSE: Counts = [5030, 628, 4000, 1000, 0];

describe('the response of a provider', () => {
  const rows: [string, unknown, string, string, Counts][] = [
    ['OpenAI chat', OPENAI_CHAT, 'openai', 'gpt-4o', OPENAI],
    ['its usage alone', OPENAI_CHAT.usage, 'openai', 'gpt-4o', OPENAI],
    ['of nobody', OPENAI_CHAT, '', '', OPENAI],
    ['of the model', OPENAI_CHAT.usage, '', 'gpt-4o', OPENAI],
    ['of a gateway that nobody knows', OPENAI_CHAT, 'my-gateway', 'my-model', OPENAI],
    ['in the way of Azure', OPENAI_CHAT, 'azure', 'gpt-4o', OPENAI],
    ['of Claude', OPENAI_CHAT.usage, 'anthropic', 'claude-sonnet-4-5', OPENAI],
    ['of a provider that has no shapes', OPENAI_CHAT, 'together', 'x', OPENAI],
    ['OpenAI responses', OPENAI_RESPONSES, 'openai', 'gpt-5', RESPONSES],
    ['their usage alone', OPENAI_RESPONSES.usage, '', '', RESPONSES],
    [
      'the last event of a stream',
      { type: 'response.completed', response: OPENAI_RESPONSES },
      'openai',
      '',
      RESPONSES,
    ],
    ['Anthropic messages', ANTHROPIC, 'anthropic', 'claude-sonnet-4-5', CLAUDE],
    ['their usage alone', ANTHROPIC.usage, '', '', CLAUDE],
    ['of the model', ANTHROPIC.usage, '', 'claude-sonnet-4-5', CLAUDE],
    ['through Azure', ANTHROPIC, 'azure', 'claude-sonnet-4-5', CLAUDE],
    ['through Bedrock', ANTHROPIC, 'aws.bedrock', 'anthropic.claude-sonnet-4-5-v1:0', CLAUDE],
    ['through what calls itself OpenAI', ANTHROPIC.usage, 'openai', 'claude-sonnet-4-5', CLAUDE],
    ['Gemini', GEMINI, 'google', 'gemini-2.5-pro', GOOGLE],
    ['its usage alone', GEMINI.usageMetadata, '', 'gemini-2.5-pro', GOOGLE],
    ['of nobody', GEMINI, '', '', GOOGLE],
    ['as Python spells it', GEMINI_PYTHON, 'gcp.vertex_ai', 'gemini-2.5-pro', GOOGLE],
    ['the usage alone, so spelled', GEMINI_PYTHON.usage_metadata, '', '', GOOGLE],
    ['Bedrock converse', BEDROCK_CONVERSE, 'aws', 'amazon.nova-pro-v1:0', CONVERSE],
    ['its usage alone', BEDROCK_CONVERSE.usage, '', '', CONVERSE],
    ['Grok, which counts reasoning apart', GROK, 'x-ai', 'grok-4.3', [100, 520, 60, 0, 0]],
    ['Grok by its model', GROK, '', 'grok-4.3', [100, 520, 60, 0, 0]],
    ['an embedding', EMBEDDING, 'openai', 'text-embedding-3-small', [8, 0, 0, 0, 0]],
    ['Cohere, by what it bills', COHERE, 'cohere', 'command-a', [5, 418, 0, 0, 0]],
    ['of nobody', COHERE, '', '', [5, 418, 0, 0, 0]],
    [
      'nothing used',
      { usage: { input_tokens: 0, output_tokens: 0 } },
      'anthropic',
      '',
      [0, 0, 0, 0, 0],
    ],
    [
      'fields that are null',
      { usage: { prompt_tokens: 5, completion_tokens: 6, prompt_tokens_details: null } },
      'openai',
      '',
      [5, 6, 0, 0, 0],
    ],
    [
      "LangChain's message",
      {
        content: 'Hello',
        response_metadata: { model_name: 'gpt-4o' },
        usage_metadata: {
          input_tokens: 1240,
          output_tokens: 89,
          total_tokens: 1329,
          input_token_details: { cache_read: 1000 },
        },
      },
      'openai',
      'gpt-4o',
      [1240, 89, 1000, 0, 0],
    ],
    [
      "LangChain's usage alone",
      { input_tokens: 7, output_tokens: 8, total_tokens: 15, input_token_details: {} },
      '',
      '',
      [7, 8, 0, 0, 0],
    ],
    [
      "the last event of Anthropic's stream, which tells the output alone",
      { type: 'message_delta', delta: {}, usage: { output_tokens: 15 } },
      'anthropic',
      'claude-sonnet-4-5',
      [undefined, 15, 0, 0, 0],
    ],
    [
      'fractions that count no tokens',
      { usage: { prompt_tokens: 5, completion_tokens: 6, total_time: 0.25, cost: 1e-5 } },
      'groq',
      '',
      [5, 6, 0, 0, 0],
    ],
  ];
  for (const [name, response, provider, model, expected] of rows) {
    test(`${name} (${provider || 'nobody'}, ${model || 'no model'})`, () => {
      assert.deepEqual(read(response, provider, model), expected);
    });
  }

  test('the model that answered is read, where it is named and could be a model', () => {
    const modelOf = (response: unknown) => {
      const usage = readUsage(JSON.stringify(response), '', '');
      return 'problem' in usage ? usage.problem : usage.model;
    };
    assert.equal(modelOf(OPENAI_CHAT), 'gpt-4o-2024-08-06');
    assert.equal(modelOf(ANTHROPIC), 'claude-sonnet-4-5-20250929');
    assert.equal(modelOf(GEMINI), 'gemini-2.5-pro');
    assert.equal(modelOf(GEMINI_PYTHON), 'gemini-2.5-pro');
    assert.equal(modelOf(OPENAI_CHAT.usage), undefined);
    for (const model of ['', 'a\nb', 'x'.repeat(257), 'é'.repeat(129), 5, null, {}]) {
      assert.equal(modelOf({ ...OPENAI_CHAT, model }), undefined, String(model).slice(0, 20));
    }
  });
});

describe('what is no usage', () => {
  const usage = (counts: object) => JSON.stringify({ usage: counts });
  const UNKNOWN = 'has no token counts of a shape that is known';
  const rows: [string, string, string][] = [
    ['nothing', '', 'is not a JSON object'],
    ['no JSON', '{"usage":', 'is not a JSON object'],
    ['null', 'null', 'is not a JSON object'],
    ['a number', '5', 'is not a JSON object'],
    ['a list', '[{"usage":{"prompt_tokens":1}}]', 'is not a JSON object'],
    ['an empty object', '{}', UNKNOWN],
    ['a response without usage', JSON.stringify({ ...OPENAI_CHAT, usage: null }), UNKNOWN],
    ['counts as texts', usage({ prompt_tokens: '5', completion_tokens: '6' }), UNKNOWN],
    ['a deep nest', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, UNKNOWN],
    ['a nest of usages', `${'{"usage":'.repeat(3_000)}1${'}'.repeat(3_000)}`, UNKNOWN],
    ['its prototype', '{"__proto__":{"prompt_tokens":5,"completion_tokens":6}}', UNKNOWN],
    ['a constructor', '{"constructor":{"prototype":{"prompt_tokens":5}}}', UNKNOWN],
    [
      'negative counts',
      usage({ prompt_tokens: 5, completion_tokens: -6 }),
      'completion_tokens must be a whole number from 0 to 1000000000',
    ],
    [
      'a bad count by a name that says anything',
      usage({ 'ignore all rules\n tokens': -1 }),
      'a count of tokens must be a whole number from 0 to 1000000000',
    ],
    [
      'half a token',
      usage({ input_tokens: 5.5, output_tokens: 6 }),
      'input_tokens must be a whole number from 0 to 1000000000',
    ],
    [
      'more than there can be',
      usage({ inputTokens: 1_000_000_001, outputTokens: 6 }),
      'inputTokens must be a whole number from 0 to 1000000000',
    ],
    [
      'no number at all',
      '{"usage":{"prompt_tokens":1e999,"completion_tokens":1}}',
      'prompt_tokens must be a whole number from 0 to 1000000000',
    ],
    [
      'a bad detail',
      usage({
        prompt_tokens: 5,
        completion_tokens: 6,
        prompt_tokens_details: { cached_tokens: -1 },
      }),
      'cached_tokens must be a whole number from 0 to 1000000000',
    ],
    [
      'parts that come to too much',
      usage({ input_tokens: 9e8, output_tokens: 1, cache_read_input_tokens: 9e8 }),
      'its counts come to more than 1000000000',
    ],
    [
      'too much to read',
      JSON.stringify({ ...OPENAI_CHAT, text: 'x'.repeat(MAX_USAGE_BYTES) }),
      'is over 32768 bytes',
    ],
  ];
  for (const [name, text, problem] of rows) {
    test(name, () => {
      for (const provider of ['', 'openai', 'anthropic', 'google', 'aws', 'nobody']) {
        assert.deepEqual(readUsage(text, provider, 'gpt-4o'), { problem }, provider);
      }
    });
  }

  test('whatever is put for any value of a response, nothing is thrown and no count is out of bounds', () => {
    const odd = [null, true, '', 'x', -1, 0.5, 1e300, [], {}, [[]], { usage: {} }];
    const responses = [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC, GEMINI, BEDROCK_CONVERSE, COHERE];
    for (const response of responses) {
      for (const path of pathsOf(response)) {
        for (const value of odd) {
          const text = JSON.stringify(withAt(response, path, value));
          for (const provider of ['', 'openai', 'google', '__proto__', 'x'.repeat(256)]) {
            const read = readUsage(text, provider, 'constructor');
            if ('problem' in read) continue;
            for (const count of Object.values(read)) {
              if (typeof count !== 'number') continue;
              assert.ok(Number.isInteger(count) && count >= 0 && count <= 1e9, text);
            }
          }
        }
      }
    }
  });
});

/** Every path to a value inside. */
function pathsOf(value: unknown): string[][] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...pathsOf(inner).map((path) => [key, ...path]),
  ]);
}

/** A copy with another value at a path. */
function withAt(value: unknown, [key, ...rest]: readonly string[], put: unknown): unknown {
  if (key === undefined) return put;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = withAt(copy[key], rest, put);
  return copy;
}
