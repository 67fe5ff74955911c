import { NOTHING } from '../../src/model/amounts.js';
import { factsOf, formatFacts } from '../../src/store/facts.js';
import { ledgerKey } from '../../src/store/keys.js';
import type { Question, WindowQuestion } from '../../src/store/question.js';
import type { SettledFacts } from '../../src/store/settlement.js';
import { callOf } from './call.js';

/** The ledger of the domain `test`, and a bound that it never meets. */
export const LEDGER = ledgerKey('test');
export const MAX_ENTRIES = 1_000_000;

/** A settlement that says nothing besides what was used. */
export const UNSAID: SettledFacts = { outcome: 'unknown', model: '', provider: '' };

/** A block rule on calls over a month, but for what is given: nothing leaves it in a test's time. */
export function windowOf(given: Partial<WindowQuestion> = {}): WindowQuestion {
  return {
    rule: 'r',
    shape: 's',
    partition: 'p',
    kind: 'block',
    metric: 'calls',
    limit: 1_000,
    span: { windowUs: 31 * 86_400 * 1e6 },
    thresholds: [],
    halt: undefined,
    ...given,
  };
}

/** A call of agent `a` in the domain `test` that counts in one window, but for what is given. */
export function questionOf(given: Partial<Question> = {}): Question {
  return {
    domain: 'test',
    agent: 'a',
    callId: 'call',
    attempt: `attempt of ${given.callId ?? 'call'}`,
    digest: 'digest',
    mode: 'decide',
    ageUs: 0,
    final: false,
    holdForUs: 15 * 60 * 1e6,
    settleForUs: 3_600 * 1e6,
    model: '',
    provider: '',
    facts: formatFacts(factsOf(callOf({ callId: given.callId ?? 'call' }))),
    amounts: NOTHING,
    windows: [windowOf()],
    ...given,
  };
}
