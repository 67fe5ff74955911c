import type { Outcome } from './backend.js';
import { createBacklog } from './backlog.js';
import type { Clock } from './clock.js';
import { createGate, type Gate } from './core.js';
import { type Decision, plainDecision, type RuleStatus } from './decision.js';
import { assertOptions, DEFAULT_ADDRESS, DEFAULT_MAX_WAIT_MS, type Options } from './options.js';
import type { AskedCall, CallSpec, OnDenied } from './spec.js';
import type { Usage } from './usage.js';
import { createWarnings } from './warnings.js';

/** One call that was asked of a fake gate, and what became of it. */
export interface FakeCall {
  readonly callId: string;
  readonly spec: CallSpec;
  /** The call that caused it; '' for a root. */
  readonly parentCallId: string;
  /** The lineage token that it came with; '' if it came with none. */
  readonly parent: string;
  /** The run that was started around it; '' if none was. */
  readonly runId: string;
  /** The last one, if it was asked several times. */
  readonly decision: Decision;
  /** What its work reported; undefined until it is settled. */
  readonly usage: Usage | undefined;
  /** What the provider's object reported; undefined if there was none. */
  readonly usageOfProvider: unknown;
  /** How it ended; undefined if it is not settled. */
  readonly outcome: Outcome | undefined;
  /** Why it was released; undefined if it was not. */
  readonly released: string | undefined;
}

/** Why a fake gate denies. */
export interface Denial {
  readonly reason?: string;
  readonly rules?: readonly RuleStatus[];
  readonly retryAfterMs?: number;
  readonly neverFits?: boolean;
  readonly affordableCostUsd?: number;
  readonly affordableTokensOut?: number;
  readonly halt?: Decision['halt'];
}

export interface FakeOptions<D extends OnDenied = OnDenied>
  extends Pick<Options<D>, 'onDenied' | 'maxWaitMs' | 'warn'> {
  /** Asked of every call, each time: true or a denial denies it. Default: everything is allowed. */
  readonly deny?: ((spec: CallSpec, callId: string) => Denial | boolean) | undefined;
}

export interface FakeGate<D extends OnDenied = 'raise'> extends Gate<D> {
  /** Every call so far, in the order in which they were first asked. */
  readonly calls: readonly FakeCall[];
}

/** A gate for unit tests: no sidecar, no network, no waiting; it keeps what was asked of it. */
export function fakeGate<D extends OnDenied = 'raise'>(options: FakeOptions<D> = {}): FakeGate<D> {
  assertOptions(options, DEFAULT_ADDRESS);
  const calls = new Map<string, FakeCall>();
  const warnings = createWarnings(options.warn);

  function amend({ callId }: AskedCall, change: Partial<FakeCall>): void {
    const known = calls.get(callId);
    if (known) calls.set(callId, { ...known, ...change });
  }

  const gate = createGate<D>({
    backend: {
      async authorize(call) {
        const decision = decide(options.deny?.(call.spec, call.callId) ?? false, call.callId);
        calls.set(call.callId, recordOf(call, decision));
        return decision;
      },
      async settle(call, { usage, usageJson }, outcome) {
        const usageOfProvider: unknown = usageJson === '' ? undefined : JSON.parse(usageJson);
        amend(call, { usage, usageOfProvider, outcome });
        return '';
      },
      async release(call, why) {
        amend(call, { released: why });
      },
      async close() {},
    },
    backlog: createBacklog(warnings),
    clock: clockOfNoTime(),
    warnings,
    onDenied: options.onDenied ?? 'raise',
    maxWaitMs: options.maxWaitMs ?? DEFAULT_MAX_WAIT_MS,
  });
  return Object.defineProperty(gate, 'calls', { get: () => [...calls.values()] }) as FakeGate<D>;
}

function decide(denial: Denial | boolean, callId: string): Decision {
  if (denial === false) {
    return plainDecision('allow', callId, { lineage: `fake.${callId}`, policyHash: 'fake' });
  }
  return plainDecision('deny', callId, {
    reason: 'denied by the test',
    policyHash: 'fake',
    ...(denial === true ? {} : denial),
  });
}

/** Waits are over at once, and the clock has moved on by them. */
function clockOfNoTime(): Clock {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    async pause(ms, signal) {
      const untilMs = nowMs + ms;
      // Calls that wait at the same time wait for the same time.
      await Promise.resolve();
      nowMs = Math.max(nowMs, untilMs);
      signal?.throwIfAborted();
    },
  };
}

function recordOf({ callId, spec, scope }: AskedCall, decision: Decision): FakeCall {
  return {
    callId,
    spec,
    parentCallId: scope.callId,
    parent: scope.lineage,
    runId: scope.runId,
    decision,
    usage: undefined,
    usageOfProvider: undefined,
    outcome: undefined,
    released: undefined,
  };
}
