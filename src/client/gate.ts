/** What agents import as `tollgate/client`. */

import { createBacklog } from './backlog.js';
import { CLOCK } from './clock.js';
import { createGate, type Gate } from './core.js';
import { OFF, offBackend } from './off.js';
import {
  assertOptions,
  DEFAULT_ADDRESS,
  DEFAULT_MAX_WAIT_MS,
  DEFAULT_TIMEOUT_MS,
  type Options,
  optionOr,
  tlsOf,
} from './options.js';
import { remoteBackend } from './remote.js';
import type { OnDenied } from './spec.js';
import { createWarnings } from './warnings.js';

export type { Amounts, Decision, Halt, RuleStatus } from './decision.js';
export { type Answer, DeniedError } from './denied.js';
export { CallError, type Code } from './error.js';
export { type Denial, type FakeCall, type FakeGate, type FakeOptions, fakeGate } from './fake.js';
export type { Grant } from './grant.js';
export { type IncomingHeaders, LINEAGE_HEADER } from './lineage.js';
export type { FailureMode } from './remote.js';
export type { CallSpec } from './spec.js';
export type { Usage } from './usage.js';
export type { Gate, OnDenied, Options };

/**
 * The gate to the sidecar of this pod. Nothing is opened until the first call. The connection keeps no
 * process alive; settlements under way do, for ten seconds.
 * @throws TypeError for an option that means nothing
 */
export function connect<D extends OnDenied = 'raise'>(options: Options<D> = {}): Gate<D> {
  const warnings = createWarnings(options.warn);
  const address = optionOr(options.address, 'TOLLGATE_ADDRESS', DEFAULT_ADDRESS);
  assertOptions(options, address);
  if (address === OFF) warnings.say('the gate is off: calls are neither checked nor counted');
  return createGate({
    backend:
      address === OFF
        ? offBackend()
        : remoteBackend(
            {
              address,
              tls: tlsOf(options),
              identity: {
                agent: optionOr(options.agent, 'TOLLGATE_AGENT_ID'),
                team: optionOr(options.team, 'TOLLGATE_TEAM_ID'),
                costCentre: optionOr(options.costCentre, 'TOLLGATE_COST_CENTRE'),
                instance: optionOr(options.instance, 'TOLLGATE_INSTANCE'),
              },
              runId: options.runId ?? '',
              failureMode: options.failureMode ?? 'deny',
              timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
            },
            warnings,
          ),
    backlog: createBacklog(warnings),
    clock: CLOCK,
    warnings,
    onDenied: options.onDenied ?? 'raise',
    maxWaitMs: options.maxWaitMs ?? DEFAULT_MAX_WAIT_MS,
  });
}
