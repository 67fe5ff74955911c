import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadApi } from '../../src/wire/definition.js';
import type { AuthorizeRequest__Output } from '../../src/wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse } from '../../src/wire/generated/tollgate/v1/AuthorizeResponse.js';
import type { ReleaseRequest__Output } from '../../src/wire/generated/tollgate/v1/ReleaseRequest.js';
import type { SettleRequest__Output } from '../../src/wire/generated/tollgate/v1/SettleRequest.js';

/** What the service does with a request: an answer, a gRPC status, or no answer at all. */
type Reply<Response> = Response | { code: number; details: string } | 'silence';

/** The API with answers of the test's choosing; it keeps what it was asked. */
export interface Service {
  readonly address: string;
  readonly authorized: AuthorizeRequest__Output[];
  /** The same requests, as they came over the wire. */
  readonly authorizedBytes: Buffer[];
  readonly settled: SettleRequest__Output[];
  readonly released: ReleaseRequest__Output[];
  stop(): void;
}

export interface Replies {
  /** Default: ALLOW. @param nth of all requests, from 1 */
  authorize?(
    request: AuthorizeRequest__Output,
    nth: number,
  ): Reply<AuthorizeResponse> | Promise<Reply<AuthorizeResponse>>;
  settle?(request: SettleRequest__Output, nth: number): Reply<object> | Promise<Reply<object>>;
  release?(request: ReleaseRequest__Output, nth: number): Reply<object>;
}

/** @param address where to listen; by default a free port */
export async function startService(
  replies: Replies = {},
  address = '127.0.0.1:0',
): Promise<Service> {
  const [authorized, settled, released, authorizedBytes] = [[], [], [], []] as unknown as [
    AuthorizeRequest__Output[],
    SettleRequest__Output[],
    ReleaseRequest__Output[],
    Buffer[],
  ];
  const server = new Server({ 'grpc.enable_channelz': 0 });
  /** Ends the requests that get no answer: else each keeps its client, and so the test's process, to its deadline. */
  const silent: (() => void)[] = [];
  const { service } = loadApi().tollgate.v1.Tollgate;
  server.addService(keepingBytes(service, authorizedBytes), {
    Authorize: handler(
      authorized,
      silent,
      (request, nth) => replies.authorize?.(request, nth) ?? allow(request),
    ),
    Settle: handler(settled, silent, (request, nth) => replies.settle?.(request, nth) ?? {}),
    Release: handler(released, silent, (request, nth) => replies.release?.(request, nth) ?? {}),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    address: address.startsWith('unix:') ? address : `127.0.0.1:${port}`,
    authorized,
    authorizedBytes,
    settled,
    released,
    stop() {
      for (const end of silent) end();
      server.forceShutdown();
    },
  };
}

/** Admits; the token tells whose it is. */
export function allow({ call_id }: { call_id: string }): AuthorizeResponse {
  return { verdict: 'VERDICT_ALLOW', call_id, lineage: `token-of-${call_id}` };
}

function handler<Request>(
  kept: Request[],
  silent: (() => void)[],
  reply: (request: Request, nth: number) => Reply<object> | Promise<Reply<object>>,
) {
  return async (
    { request }: { request: Request },
    callback: (error: Partial<ServiceError> | null, response?: object) => void,
  ): Promise<void> => {
    kept.push(request);
    const answer = await reply(request, kept.length);
    if (answer === 'silence') silent.push(() => callback({ code: status.UNAVAILABLE }));
    else if ('code' in answer) callback(answer);
    else callback(null, answer);
  };
}

function keepingBytes(service: ServiceDefinition, kept: Buffer[]): ServiceDefinition {
  const authorize = service['Authorize'];
  if (!authorize) throw new Error('the service has no Authorize');
  const requestDeserialize = (bytes: Buffer): unknown => {
    kept.push(bytes);
    return authorize.requestDeserialize(bytes);
  };
  return { ...service, Authorize: { ...authorize, requestDeserialize } };
}
