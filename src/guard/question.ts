import { type Amounts, amountOf } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { Action } from '../model/decision.js';
import { calendarEdges } from '../policy/calendar.js';
import { domainOf, type MatchedRule } from '../policy/match.js';
import type { Policy, Rule } from '../policy/policy.js';
import type { Window } from '../policy/window.js';
import type { Question, Span, WindowQuestion } from '../store/question.js';
import { digestOf } from './digest.js';

/** What a rule does under this policy: with `mode: shadow` none denies. */
export function effectiveAction(policy: Policy, rule: Rule): Action {
  const denies = rule.action === 'block' || rule.action === 'halt';
  return policy.mode === 'shadow' && denies ? 'shadow' : rule.action;
}

/** Is the call denied whatever its windows say? */
export function deniedOutright(policy: Policy, matched: readonly MatchedRule[]): boolean {
  if (policy.mode === 'shadow') return false;
  if (matched.length === 0) return policy.unmatched === 'deny';
  return matched.some(({ rule, outright }) => outright !== '' && rule.action !== 'shadow');
}

/** The window as the script is told of it at a moment. */
export function spanOf(window: Window, nowUs: number): Span {
  return 'lengthUs' in window
    ? { windowUs: window.lengthUs }
    : { edgesUs: calendarEdges(window.calendar, window.timezone, nowUs) };
}

/** The call as the script is asked about it; `nowUs` is the time by this process' clock. */
export function questionFor(
  policy: Policy,
  call: Call,
  matched: readonly MatchedRule[],
  amounts: Amounts,
  attempt: string,
  nowUs: number,
): Question {
  const windows: WindowQuestion[] = [];
  for (const { rule, partition, counted, outright } of matched) {
    if (!counted || outright !== '') continue;
    const { rateLimit, limit } = counted;
    windows.push({
      rule: rule.id,
      shape: rateLimit.shape,
      partition,
      kind: effectiveAction(policy, rule),
      amount: amountOf(amounts, rateLimit.metric),
      limit: limit.amount,
      span: spanOf(rateLimit.window, nowUs),
      thresholds: limit.thresholds,
    });
  }
  return {
    domain: domainOf(policy, call),
    agent: call.agent,
    callId: call.callId,
    attempt,
    digest: digestOf(call),
    mode: deniedOutright(policy, matched) ? 'deny' : 'decide',
    windows,
  };
}
