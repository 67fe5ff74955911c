import type { AgentPlan, Step } from './plan.js';

type Model = Pick<Step, 'model' | 'provider'> & { readonly tool: string };

const OPENAI = { provider: 'openai', tool: 'openai_completion' } as const;
const ANTHROPIC = { provider: 'anthropic', tool: 'anthropic_messages' } as const;
const GOOGLE = { provider: 'google', tool: 'gemini_generate' } as const;

const GPT_4O: Model = { ...OPENAI, model: 'gpt-4o' };
const GPT_5_MINI: Model = { ...OPENAI, model: 'gpt-5-mini' };
const GPT_5_NANO: Model = { ...OPENAI, model: 'gpt-5-nano' };
const OPUS: Model = { ...ANTHROPIC, model: 'claude-opus-4-5' };
const SONNET: Model = { ...ANTHROPIC, model: 'claude-sonnet-4-5' };
const HAIKU: Model = { ...ANTHROPIC, model: 'claude-haiku-4-5' };
const FLASH: Model = { ...GOOGLE, model: 'gemini-2.5-flash' };

function chat(model: Model, tokensIn: number, tokensOut: number, weight = 1): Step {
  return { ...model, operation: 'chat', tokensIn, tokensOut, weight };
}

/** A tool whose calls cost what the policy says. */
function flat(tool: string, weight: number): Step {
  const none = { model: '', provider: '', tokensIn: 0, tokensOut: 0 };
  return { ...none, tool, operation: 'execute_tool', weight };
}

const PLAIN = {
  instances: 2,
  rhythm: 'office',
  callsPerTask: 4,
  noise: 0.12,
  labels: {},
  subAgent: '',
} as const satisfies Partial<AgentPlan>;

const SUPPORT = { ...PLAIN, team: 'customer-ops', costCentre: 'CC-1001' };
const MARKETING = { ...PLAIN, team: 'growth-marketing', costCentre: 'CC-2040' };
const ENGINEERING = { ...PLAIN, team: 'engineering', costCentre: 'CC-3100' };
const FINANCE = { ...PLAIN, team: 'finance', costCentre: 'CC-4007' };

/** The dozen agents of the demo, in four teams: about a thousand calls on a weekday. */
export const FLEET: readonly AgentPlan[] = [
  {
    ...SUPPORT,
    agent: 'customer-support-v2',
    instances: 4,
    rhythm: 'customers',
    callsPerDay: 350,
    steps: [chat(GPT_4O, 24_000, 700, 4), flat('kb_search', 2), flat('order_lookup', 1)],
    labels: { channel: 'web' },
  },
  {
    ...SUPPORT,
    agent: 'ticket-triage',
    rhythm: 'customers',
    callsPerDay: 150,
    callsPerTask: 1,
    steps: [chat(GPT_5_NANO, 1_500, 120)],
  },
  {
    ...SUPPORT,
    agent: 'voice-summaries',
    rhythm: 'customers',
    callsPerDay: 60,
    callsPerTask: 1,
    steps: [chat(FLASH, 12_000, 700)],
    labels: { channel: 'phone' },
  },
  {
    ...MARKETING,
    agent: 'campaign-writer',
    callsPerDay: 40,
    steps: [chat(SONNET, 6_000, 1_800)],
  },
  {
    ...MARKETING,
    agent: 'lead-researcher',
    callsPerDay: 120,
    callsPerTask: 6,
    steps: [chat(GPT_5_MINI, 24_000, 1_500, 2), flat('web_search', 1)],
  },
  {
    ...MARKETING,
    agent: 'newsletter',
    rhythm: 'weekly',
    callsPerDay: 60,
    steps: [chat(SONNET, 9_000, 2_500)],
  },
  {
    ...ENGINEERING,
    agent: 'code-reviewer',
    callsPerDay: 80,
    callsPerTask: 3,
    steps: [chat(OPUS, 20_000, 1_500, 3), flat('repo_search', 1)],
  },
  {
    ...ENGINEERING,
    agent: 'test-writer',
    callsPerDay: 50,
    steps: [chat(SONNET, 15_000, 3_000)],
  },
  {
    ...ENGINEERING,
    agent: 'incident-helper',
    rhythm: 'steady',
    callsPerDay: 40,
    steps: [chat(FLASH, 30_000, 1_000, 2), flat('log_search', 1)],
  },
  {
    ...FINANCE,
    agent: 'invoice-matcher',
    rhythm: 'nightly',
    callsPerDay: 160,
    callsPerTask: 2,
    steps: [chat(HAIKU, 10_000, 600)],
  },
  {
    ...FINANCE,
    agent: 'contract-reader',
    callsPerDay: 120,
    callsPerTask: 5,
    steps: [chat(GPT_5_MINI, 60_000, 2_500)],
    subAgent: 'clause-checker',
  },
  // All its calls are made for contract-reader.
  { ...FINANCE, agent: 'clause-checker', callsPerDay: 0, steps: [chat(GPT_5_MINI, 5_000, 400)] },
];
