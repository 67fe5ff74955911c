import { amountOf } from '../model/amounts.js';
import type { Action } from '../model/decision.js';
import { domainOf, type MatchedRule } from '../policy/match.js';
import type { Policy, Rule } from '../policy/policy.js';
import { spanOf, windowFields } from '../policy/window.js';
import { factsOf, formatFacts } from '../store/facts.js';
import { formatHaltText } from '../store/halt.js';
import type { Question, WindowQuestion } from '../store/question.js';
import type { Case } from './case.js';
import { digestOf } from './digest.js';
import { overSentence } from './reason.js';

/** What a rule does under this policy: with `mode: shadow` none denies. */
export function effectiveAction(policy: Policy, rule: Rule): Action {
  const denies = rule.action === 'block' || rule.action === 'halt';
  return policy.mode === 'shadow' && denies ? 'shadow' : rule.action;
}

/** Is the call denied whatever its windows say? */
export function deniedOutright({ policy, matched, unpriced }: Case): boolean {
  if (policy.mode === 'shadow') return false;
  if (unpriced) return true;
  if (matched.length === 0) return policy.unmatched === 'deny';
  return matched.some(({ rule, outright }) => outright !== '' && rule.action !== 'shadow');
}

/** The call as the script is asked about it; `nowUs` is the time by this process' clock. */
export function questionFor(asked: Case, attempt: string, nowUs: number): Question {
  const { policy, call, matched, amounts } = asked;
  const windows: WindowQuestion[] = [];
  for (const one of matched) {
    if (one.counted && one.outright === '') windows.push(windowFor(asked, one, nowUs));
  }
  return {
    domain: domainOf(policy, call),
    agent: call.agent,
    callId: call.callId,
    attempt,
    digest: digestOf(call),
    mode: deniedOutright(asked) ? 'deny' : 'decide',
    ageUs: 0,
    final: call.final,
    holdForUs: policy.holdForUs,
    settleForUs: policy.settleForUs,
    model: call.model,
    provider: call.provider,
    facts: formatFacts(factsOf(call)),
    amounts,
    windows,
  };
}

function windowFor(
  { policy, amounts }: Case,
  { rule, partition, counted }: MatchedRule,
  nowUs: number,
): WindowQuestion {
  if (!counted) throw new Error(`rule ${rule.id} counts nothing`);
  const { rateLimit, limit } = counted;
  const { metric, shape } = rateLimit;
  const span = spanOf(rateLimit.window, nowUs);
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
              rule: rule.id,
              why: overSentence(partition, {
                metric,
                limit: limit.amount,
                ...windowFields(rateLimit.window),
              }),
              window: { ...window, amount: amountOf(amounts, metric) },
            }),
          }
        : undefined,
  };
}
