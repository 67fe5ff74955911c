import { NOTHING } from '../../src/model/amounts.js';
import type { Question, WindowQuestion } from '../../src/store/question.js';

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
    amounts: NOTHING,
    windows: [windowOf()],
    ...given,
  };
}
