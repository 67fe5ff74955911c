import { randomUUID } from 'node:crypto';
import { makeCall } from './call.js';
import type { Answer } from './denied.js';
import { fingerprintOf } from './fingerprint.js';
import type { Grant, Ways } from './grant.js';
import {
  headersOf,
  type IncomingHeaders,
  runIn,
  type Scope,
  scopeHere,
  scopeOfHeaders,
  scopeOfRun,
} from './lineage.js';
import { assertSpec, type CallSpec, type OnDenied } from './spec.js';

/** The way to the sidecar. `D` is what a denial does unless a call says otherwise. */
export interface Gate<D extends OnDenied = 'raise'> {
  /**
   * Authorizes a call, runs its work, and settles what the work reported.
   * @returns what the work returned; with `tell` perhaps a DeniedError instead
   * @throws DeniedError if it is denied and not to be told; CallError if it is broken; what the work
   * threw; the reason of its signal
   */
  call<T, M extends OnDenied = D>(
    spec: CallSpec<M>,
    work: (grant: Grant) => T | PromiseLike<T>,
  ): Promise<Answer<T, M>>;

  /**
   * Turns a function into one that is gated, with the hash of its arguments as fingerprint.
   * @throws TypeError for a generator, which runs when its call is over
   */
  tool<A extends readonly unknown[], T, M extends OnDenied = D>(
    spec: string | CallSpec<M>,
    work: (...args: A) => T | PromiseLike<T>,
  ): (...args: A) => Promise<Answer<T, M>>;

  /** Starts a run: all calls within belong to it. Without an id it gets a new one. */
  run<T>(work: () => T): T;
  run<T>(runId: string, work: () => T): T;

  /**
   * The gate for one request that came in, whose calls count as caused by the call that sent it. With
   * `work`, it is the calls within that do, whichever gate they are made with.
   */
  from(headers: IncomingHeaders): Gate<D>;
  from<T>(headers: IncomingHeaders, work: () => T): T;

  /** What a request to another process takes along; nothing outside of a call. */
  headers(): Record<string, string>;

  /**
   * Waits for calls under way and their settlements, and closes the connection; the gate takes no more calls.
   * @param timeoutMs the longest to wait; what is not settled by then is a warning. Default: 5 s
   */
  close(timeoutMs?: number): Promise<void>;
}

/** Long enough for a sidecar that starts anew, and within what a pod has to end. */
const CLOSE_TIMEOUT_MS = 5_000;

/** A gate over whichever backend. */
export function createGate<D extends OnDenied>(ways: Ways): Gate<D> {
  let closing: Promise<void> | undefined;

  async function close(timeoutMs: number): Promise<void> {
    await ways.backlog.close(timeoutMs);
    await ways.backend.close();
  }

  /** The gate as it is for one request, or for none. */
  function gateOf(bound: Scope | undefined): Gate<D> {
    function call<T, M extends OnDenied>(
      spec: CallSpec<M>,
      work: (grant: Grant) => T | PromiseLike<T>,
    ): Promise<Answer<T, M>> {
      return callFrom(scopeHere(bound), spec, work);
    }
    return {
      call,
      tool: <A extends readonly unknown[], T, M extends OnDenied>(
        spec: string | CallSpec<M>,
        work: (...args: A) => T | PromiseLike<T>,
      ) => {
        if (/Generator/.test(Object.prototype.toString.call(work))) {
          throw new TypeError('a generator is settled before it runs: gate the call inside of it');
        }
        const given: CallSpec<M> = typeof spec === 'string' ? { tool: spec } : spec;
        return (...args: A) => {
          const fingerprint = given.fingerprint ?? fingerprintOf(args);
          return call({ ...given, fingerprint }, () => work(...args));
        };
      },
      run<T>(...given: [work: () => T] | [runId: string, work: () => T]): T {
        const [runId, work] = given.length === 1 ? [randomUUID(), given[0]] : given;
        return runIn(scopeOfRun(scopeHere(bound), runId), work);
      },
      from: ((headers: IncomingHeaders, work?: () => unknown) => {
        const scope = scopeOfHeaders(headers);
        return work ? runIn(scope, work) : gateOf(scope);
      }) as Gate<D>['from'],
      headers: () => headersOf(scopeHere(bound)),
      close(timeoutMs = CLOSE_TIMEOUT_MS) {
        closing ??= close(timeoutMs);
        return closing;
      },
    };
  }

  async function callFrom<T, M extends OnDenied>(
    scope: Scope,
    spec: CallSpec<M>,
    work: (grant: Grant) => T | PromiseLike<T>,
  ): Promise<Answer<T, M>> {
    if (closing) throw new Error('this gate is closed');
    assertSpec(spec);
    const callId = spec.callId ?? randomUUID();
    const asked = { callId, spec: { ...spec }, scope, askedAtMs: Date.now() };
    // A denial is returned for `tell` only, as the type says.
    const making = makeCall(ways, asked, work);
    ways.backlog.expect(making);
    return (await making) as Answer<T, M>;
  }

  return gateOf(undefined);
}
