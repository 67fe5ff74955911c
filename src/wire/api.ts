import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Guard } from '../guard/guard.js';
import type { Refusal } from '../guard/refusal.js';
import type { Call } from '../model/call.js';
import type { Decision } from '../model/decision.js';
import type { Identity } from '../model/settlement.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TlsFiles } from './certificates.js';
import { deadlineOf } from './deadline.js';
import { decodeCall } from './decode.js';
import { decodeRelease, decodeSettlement } from './decode-life.js';
import { loadApi } from './definition.js';
import { encodeDecision } from './encode.js';
import { encodeRelease, encodeSettlement } from './encode-life.js';
import type { AuthorizeRequest__Output } from './generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse } from './generated/tollgate/v1/AuthorizeResponse.js';
import type { InspectRequest__Output } from './generated/tollgate/v1/InspectRequest.js';
import type { InspectResponse } from './generated/tollgate/v1/InspectResponse.js';
import type { ReleaseRequest__Output } from './generated/tollgate/v1/ReleaseRequest.js';
import type { SettleRequest__Output } from './generated/tollgate/v1/SettleRequest.js';
import { type ListenAddress, openSocket, removeStaleSocket } from './listen.js';
import { startListener } from './listener.js';
import { fillIdentities, fillIdentity } from './pinned.js';
import { addReflection } from './reflection.js';
import { explainRefusal, type Refused } from './refuse.js';
import { createRefusedConnections } from './refused-connections.js';
import { boundSessions, http2Of, type Sessions } from './sessions.js';
import { openTls } from './tls.js';

const SERVICE = 'tollgate.v1.Tollgate';

/** Six times the largest valid request, so that a field that is too long is named, not cut off. */
const MAX_MESSAGE_BYTES = 65_536;

/** An agent that works for longer connects again, in a millisecond; a pod that is gone without a word is let go of. */
const IDLE_MS = 600_000;

/** How long a drain waits for the calls under way; each is over within its 50 ms anyway. */
export const DRAIN_MS = 5_000;

/** A message that is no protobuf of its type. */
interface Malformed {
  readonly malformed: string;
}

/** The gRPC server that agents call. */
export interface Api {
  /** Where it listens; the port is the real one if 0 was asked. */
  readonly address: ListenAddress;
  /** Takes no new calls, finishes those under way, stops. */
  drain(): Promise<void>;
}

export interface ApiOptions {
  readonly listen: ListenAddress;
  /** undefined speaks plainly. */
  readonly tls: TlsFiles | undefined;
  readonly guard: Guard;
  /** Fills in what requests leave out of their identity. */
  readonly pinned: Identity;
  /** How long a decision may take, in ms. */
  readonly decisionMs: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export async function startApi(options: ApiOptions): Promise<Api> {
  const { listen, tls: files, guard, pinned, decisionMs, metrics, log } = options;
  const api = loadApi();
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_connection_idle_ms': IDLE_MS,
    // A visible gain in CPU, and nobody debugs a sidecar by channelz.
    'grpc.enable_channelz': 0,
  });
  server.addService(tolerant(api.tollgate.v1.Tollgate.service), {
    Authorize: unary((request: AuthorizeRequest__Output, deadlineMs) =>
      answer(request, (call) => guard.authorize(call, deadlineMs)),
    ),
    Settle: unary(async (request: SettleRequest__Output, deadlineMs) => {
      const settlement = decodeSettlement(fillIdentities(request, pinned));
      if ('violations' in settlement) return refuseViolations(settlement.violations);
      const outcome = await guard.settle(settlement, deadlineMs);
      if (!('refused' in outcome)) return encodeSettlement(outcome);
      return refuseCall(outcome, settlement.callId, 'call.parent');
    }),
    Release: unary(async (request: ReleaseRequest__Output, deadlineMs) => {
      const order = decodeRelease(fillIdentity(request, pinned));
      if ('violations' in order) return refuseViolations(order.violations);
      const outcome = await guard.release(order, deadlineMs);
      return 'refused' in outcome ? refuseCall(outcome, order.callId, '') : encodeRelease(outcome);
    }),
    Inspect: unary(async (request: InspectRequest__Output, deadlineMs) => {
      if (!request.call) return { code: status.INVALID_ARGUMENT, details: 'call: is required' };
      const outcome = await answer(request.call, (call) => guard.inspect(call, deadlineMs));
      return 'code' in outcome ? outcome : ({ decision: outcome } satisfies InspectResponse);
    }),
  });
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  health.addToServer(server);
  addReflection(server, SERVICE);

  if ('path' in listen) await removeStaleSocket(listen.path);
  // gRPC does not bound who connects, so the socket is ours, and it is given the connections.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const refused = createRefusedConnections(metrics, log);
  const sessions = boundSessions(http2Of(server), refused);
  const tls = files && openTls(files, metrics, log);
  const take = injector.injectConnection;
  const listener = await startListener({ listen, certificates: tls?.current, take, refused });
  if ('path' in listen) openSocket(listen.path);
  tls?.follow(listener.show);
  return {
    address: listener.address,
    async drain() {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE, 'NOT_SERVING');
      tls?.close();
      listener.close();
      await finishCalls(server, sessions);
      sessions.close();
    },
  };

  /** What a caller gets for an error instead of a verdict. */
  function refuse(code: status, details: string): Refused {
    metrics.refusedCalls.inc({ code: status[code] });
    return { code, details };
  }

  async function answer(
    request: AuthorizeRequest__Output,
    decide: (call: Call) => Promise<Decision | Refusal>,
  ): Promise<AuthorizeResponse | Refused> {
    const call = decodeCall(fillIdentity(request, pinned));
    if ('violations' in call) return refuseViolations(call.violations);
    const decision = await decide(call);
    if (!('refused' in decision)) return encodeDecision(decision);
    return refuseCall(decision, call.callId, 'parent');
  }

  function refuseViolations(violations: readonly string[]): Refused {
    return refuse(status.INVALID_ARGUMENT, violations.join('\n'));
  }

  function refuseCall(refusal: Refusal, callId: string, parent: string): Refused {
    const { code, details } = explainRefusal(refusal, callId, parent);
    return refuse(code, details);
  }

  function unary<Request, Response>(
    handle: (request: Request, deadlineMs: number) => Promise<Response | Refused>,
  ) {
    return (
      call: ServerUnaryCall<Request | Malformed, Response>,
      callback: sendUnaryData<Response>,
    ): void => {
      const { request } = call;
      if (request !== null && typeof request === 'object' && 'malformed' in request) {
        callback(refuse(status.INVALID_ARGUMENT, `the message: ${request.malformed}`));
        return;
      }
      handle(request as Request, deadlineOf(call.getDeadline(), decisionMs)).then(
        (outcome) => {
          if (isRefused(outcome)) callback(outcome);
          else callback(null, outcome);
        },
        (error: unknown) => {
          log.error({ err: error }, 'a call failed by a defect of the sidecar');
          callback(refuse(status.INTERNAL, 'a defect of the sidecar; its log has the details'));
        },
      );
    };
  }
}

function isRefused(outcome: unknown): outcome is Refused {
  return outcome !== null && typeof outcome === 'object' && 'code' in outcome;
}

/** The same service, but a message that cannot be decoded reaches the handler, which names it. */
function tolerant<Service extends ServiceDefinition>(service: Service): Service {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return { malformed: error instanceof Error ? error.message : String(error) };
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as Service;
}

/**
 * Waits for the calls under way, but not for ever. gRPC says at once that it is done, since Node has begun to close its
 * sessions: each ends with its last call.
 */
function finishCalls(server: Server, sessions: Sessions): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, DRAIN_MS);
    server.tryShutdown(async () => {
      await sessions.ended();
      clearTimeout(timer);
      resolve();
    });
  });
}
