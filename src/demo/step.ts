import type { Amounts } from '../model/amounts.js';
import { costNano, NO_USAGE } from '../pricing/price.js';
import { type AgentPlan, eventsOf, type Plan, policyAt, type Step } from './plan.js';
import type { Random } from './random.js';

/** How far the tokens of calls are from each other: a third of them are half or double the usual. */
const TOKEN_SPREAD = 0.5;

/** What a call asks for, and what it then uses. */
export interface Planned {
  readonly step: Step;
  readonly held: Amounts;
  readonly used: Amounts;
}

/** One of the agent's steps at a time, with the models and prompts that it has then. */
export function stepAt(plan: Plan, agent: AgentPlan, atMs: number, random: Random): Step {
  const step = random.weighed(agent.steps);
  if (step.model === '') return step;
  let { model, provider, tokensIn, tokensOut } = step;
  for (const { fromMs, ...to } of eventsOf(plan, agent.agent, 'switch')) {
    if (atMs >= fromMs && random.next() < to.share) ({ model, provider } = to);
  }
  for (const { fromMs, times } of eventsOf(plan, agent.agent, 'prompts')) {
    if (atMs < fromMs) continue;
    tokensIn *= times;
    tokensOut *= times;
  }
  return { ...step, model, provider, tokensIn, tokensOut };
}

/** The call with its prices: tokens are estimated by the most that it may produce. */
export function priced(plan: Plan, step: Step, atMs: number, random: Random): Planned {
  const { prices } = policyAt(plan, atMs).policy;
  if (step.model === '') {
    const nano = prices.toolNano(step.tool);
    const costSource = nano === undefined ? 'none' : 'tool';
    const amounts = { costNano: nano ?? 0, costSource, tokensIn: 0, tokensOut: 0 } as const;
    return { step, held: amounts, used: amounts };
  }
  const { price, source } = prices.priceOf(step.model, step.provider, atMs);
  const amounts = (tokensIn: number, tokensOut: number): Amounts => ({
    costNano: costNano(price, { ...NO_USAGE, tokensIn, tokensOut }),
    costSource: source,
    tokensIn,
    tokensOut,
  });
  const tokensIn = Math.max(1, Math.round(step.tokensIn * random.factor(TOKEN_SPREAD)));
  const most = 256 * Math.ceil(step.tokensOut / 128);
  const tokensOut = Math.min(most, Math.round(step.tokensOut * random.factor(TOKEN_SPREAD)));
  return { step, held: amounts(tokensIn, most), used: amounts(tokensIn, tokensOut) };
}
