import { amountOf, formatAmount, formatMetric } from '../model/amounts.js';
import { type Counted, type Decision, denyingRule, type FailureReason } from '../model/decision.js';
import { formatDuration } from '../model/duration.js';
import { EVERYONE, formatHaltTimes, type Halt } from '../model/halt.js';
import { formatUsd } from '../model/money.js';
import { retryAfterUs } from '../model/retry.js';
import { formatCurrentWindow } from '../model/window.js';

/** One sentence for people: which rule, whose window, used and limit, when to try again. */
export function reasonFor(decision: Decision): string {
  const rule = denyingRule(decision);
  if (decision.halt && !rule) return haltedSentence(decision.halt);
  if (!rule && decision.unpriced) {
    return 'the model has no price, and the policy denies such calls (unpricedModel: deny)';
  }
  if (!rule) return 'no rule of the policy matches this call, and the policy denies such calls';
  if (rule.why !== '') return `${rule.ruleId} denies calls of ${rule.partition}: ${rule.why}`;
  if (decision.degraded || !rule.window || !rule.counted) {
    return `${rule.ruleId} denies: ${WITHOUT_ANSWER[decision.degraded ?? 'error'] ?? `Redis gives no answer (${decision.degraded}), and its failure mode is deny`}`;
  }
  const { metric, limit, windowUs, calendar } = rule.counted;
  const show = (amount: number) => formatAmount(amount, metric);
  const asked = amountOf(decision.amounts, metric);
  return (
    `${rule.ruleId}: ${rule.partition} has used ${show(rule.window.used)} of ${formatMetric(limit, metric)} ` +
    `in ${formatCurrentWindow(windowUs, calendar)}, ` +
    `and this call asks for ${show(asked)}; ${advice(decision)}${whatFits(decision)}`
  );
}

/** Why a rule halts an agent, known before the windows are read: what it must not pass. */
export function overSentence(
  partition: string,
  { metric, limit, windowUs, calendar }: Omit<Counted, 'granted'>,
): string {
  return (
    `${partition} asked for more than ${formatMetric(limit, metric)} ` +
    `in ${formatCurrentWindow(windowUs, calendar)}`
  );
}

function haltedSentence(halt: Halt): string {
  const who = halt.agent === EVERYONE ? 'every agent' : halt.agent;
  const by = halt.rule === '' ? halt.by : `rule ${halt.rule}`;
  return `HALTED: ${who} is halted ${formatHaltTimes(halt)}, by ${by || 'somebody'}: ${halt.why || 'no reason was given'}`;
}

/** Failures that are not Redis' own, and what the caller can do. */
const WITHOUT_ANSWER: Readonly<Partial<Record<FailureReason, string>>> = {
  deadline: "the caller's deadline left no time to ask Redis; give the call 60 ms or more",
  overloaded: 'too many calls wait for Redis at once; try again',
};

/** What a smaller call would pass with now; '' if none would. */
function whatFits({ affordable: { costNano, tokensOut }, halt }: Decision): string {
  if (halt || costNano === 0 || tokensOut === 0) return '';
  if (costNano !== undefined) return `; one of up to ${formatUsd(costNano)} would pass`;
  return tokensOut === undefined
    ? ''
    : `; one of up to ${formatMetric(tokensOut, 'tokens_out')} would pass`;
}

/** When to try again: the latest over the denying rules, and not before a halt has ended. */
function advice(decision: Decision): string {
  if (decision.halt) return `the agent is HALTED ${formatHaltTimes(decision.halt)}`;
  const afterUs = retryAfterUs(decision);
  return afterUs === undefined
    ? 'it never fits, however long it waits'
    : `try again in ${formatDuration(afterUs)}`;
}
