import { type Amounts, amountOf } from '../model/amounts.js';
import type { Call } from '../model/call.js';
import type { Action } from '../model/decision.js';
import { domainOf, type MatchedRule } from '../policy/match.js';
import type { Policy, Rule } from '../policy/policy.js';
import { spanOf } from '../policy/window.js';
import { formatHaltText } from '../store/halt.js';
import type { Question, WindowQuestion } from '../store/question.js';
import { digestOf } from './digest.js';
import { overSentence } from './reason.js';

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

/** The call as the script is asked about it. */
export function questionFor(
  policy: Policy,
  call: Call,
  matched: readonly MatchedRule[],
  amounts: Amounts,
  attempt: string,
): Question {
  const windows: WindowQuestion[] = [];
  for (const one of matched) {
    if (one.counted && one.outright === '') windows.push(windowFor(policy, call, one, amounts));
  }
  return {
    domain: domainOf(policy, call),
    agent: call.agent,
    callId: call.callId,
    attempt,
    digest: digestOf(call),
    mode: deniedOutright(policy, matched) ? 'deny' : 'decide',
    ageUs: 0,
    final: call.final,
    holdForUs: policy.holdForUs,
    settleForUs: policy.settleForUs,
    model: call.model,
    provider: call.provider,
    amounts,
    windows,
  };
}

function windowFor(
  policy: Policy,
  call: Call,
  { rule, partition, counted }: MatchedRule,
  amounts: Amounts,
): WindowQuestion {
  if (!counted) throw new Error(`rule ${rule.id} counts nothing`);
  const { rateLimit, limit } = counted;
  const { metric, shape } = rateLimit;
  const span = spanOf(rateLimit);
  const kind = effectiveAction(policy, rule);
  const window = { shape, partition, metric, limit: limit.amount, span };
  return {
    rule: rule.id,
    ...window,
    kind,
    thresholds: limit.thresholds,
    halt:
      kind === 'halt'
        ? {
            forUs: rule.haltForUs,
            text: formatHaltText({
              agent: call.agent,
              rule: rule.id,
              why: overSentence(partition, metric, limit.amount, span),
              window: { ...window, amount: amountOf(amounts, metric) },
            }),
          }
        : undefined,
  };
}
