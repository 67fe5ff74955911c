import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import { denierOf } from '../model/denier.js';
import type { AskedAgain } from '../model/entry.js';
import { factsOf } from '../store/facts.js';
import { commonFacts, type Denied } from './denials.js';

/** Calls that were denied and counted: more than an agent asks again and again at a time. */
const MAX_REMEMBERED = 10_000;

const NONE: AskedAgain = Object.freeze({ costNano: 0, tokensIn: 0, tokensOut: 0 });

/**
 * A denied call as the ledger is told of it. What a call asked for counts once, however often it is asked
 * again: else a loop that retries would seem to have saved a fortune.
 * @param rule what stands for the rule where none has denied
 */
export type TellDenied = (call: Call, decision: Decision, rule: string) => Denied;

export function createTellDenied(): TellDenied {
  const counted = new Set<string>();

  /** @returns false if the call was counted before */
  function isNew(name: string): boolean {
    const known = counted.delete(name);
    counted.add(name);
    const [oldest = ''] = counted;
    if (counted.size > MAX_REMEMBERED) counted.delete(oldest);
    return !known;
  }

  return (call, decision, rule) => {
    const { amounts, decidedAtUs } = decision;
    const { costNano, tokensIn, tokensOut } = amounts;
    const first = isNew(`${call.agent}\n${decision.callId}`);
    const denying = denierOf(decision).status;
    const facts = factsOf(call);
    const atUs = decidedAtUs || Date.now() * 1000;
    return {
      kind: 'denied',
      rule,
      partition: denying?.partition ?? '',
      facts: commonFacts(facts),
      calls: 1,
      asked: first ? amounts : { ...NONE, costSource: amounts.costSource },
      askedAgain: first ? NONE : { costNano, tokensIn, tokensOut },
      firstUs: atUs,
      lastUs: atUs,
      metric: denying?.window && denying.counted?.metric,
      used: denying?.window?.used ?? 0,
      limit: (denying?.window && denying.counted?.limit) ?? 0,
      retryAtUs: retryAtUs(decision),
      run: facts.run,
    };
  };
}

/** When the same call could pass, in µs; 0 if waiting is no help, or nobody knows. */
function retryAtUs({ halt, rules, decidedAtUs }: Decision): number {
  if (halt) return halt.untilUs;
  if (decidedAtUs === 0) return 0;
  let longest = 0;
  for (const { denied, retryAfterUs } of rules) {
    if (!denied) continue;
    if (retryAfterUs === undefined) return 0;
    longest = Math.max(longest, retryAfterUs);
  }
  return longest === 0 ? 0 : decidedAtUs + longest;
}
