import { type ChannelCredentials, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadApi } from '../wire/definition.js';
import type { AuthorizeRequest } from '../wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';
import type { ReleaseRequest } from '../wire/generated/tollgate/v1/ReleaseRequest.js';
import type { ReleaseResponse__Output } from '../wire/generated/tollgate/v1/ReleaseResponse.js';
import type { SettleRequest } from '../wire/generated/tollgate/v1/SettleRequest.js';
import type { SettleResponse__Output } from '../wire/generated/tollgate/v1/SettleResponse.js';
import { type ClientTls, NO_FILES, secureCredentials, withoutScheme } from './secure.js';

/** A channel to one sidecar. Calls reject with a gRPC ServiceError. */
export interface Channel {
  authorize(request: AuthorizeRequest, timeoutMs: number): Promise<AuthorizeResponse__Output>;
  settle(request: SettleRequest, timeoutMs: number): Promise<SettleResponse__Output>;
  release(request: ReleaseRequest, timeoutMs: number): Promise<ReleaseResponse__Output>;
  inspect(request: AuthorizeRequest, timeoutMs: number): Promise<AuthorizeResponse__Output>;
  close(): void;
}

/** gRPC's own is 1 s to 2 min: a sidecar that restarts is back sooner, and it is on this machine. */
const RECONNECT_MS = { first: 100, most: 1_000 };

/**
 * Connects when the first call is made.
 * @param address `host:port`, `tls://host:port` or `unix:///path`
 * @param patient requests wait for a connection until their time is over; else they fail without one
 * @param files for `tls://`; when they change, calls from then on use what is new
 * @throws if the files cannot be used
 */
export function openChannel(
  address: string,
  patient = false,
  files: ClientTls = NO_FILES,
): Channel {
  const { target, secure } = withoutScheme(address);
  const credentialsNow = () => (secure ? secureCredentials(files) : credentials.createInsecure());
  let shown = credentialsNow();
  let client = openClient(target, shown);
  /** The client of the files as they are: calls under way end on the one before. */
  const current = () => {
    const next = secure ? secureCredentials(files) : shown;
    if (next === shown) return client;
    client.close();
    shown = next;
    client = openClient(target, shown);
    return client;
  };
  const metadata = new Metadata({ waitForReady: patient });
  const deadline = (timeoutMs: number) => ({ deadline: Date.now() + timeoutMs });
  return {
    authorize: (request, timeoutMs) =>
      answer((done) => current().authorize(request, metadata, deadline(timeoutMs), done)),
    settle: (request, timeoutMs) =>
      answer((done) => current().settle(request, metadata, deadline(timeoutMs), done)),
    release: (request, timeoutMs) =>
      answer((done) => current().release(request, metadata, deadline(timeoutMs), done)),
    inspect: async (call, timeoutMs) => {
      const { decision } = await answer<{ decision: AuthorizeResponse__Output | null }>((done) =>
        current().inspect({ call }, metadata, deadline(timeoutMs), done),
      );
      if (!decision) throw new Error('no decision');
      return decision;
    },
    close: () => client.close(),
  };
}

function openClient(target: string, shown: ChannelCredentials) {
  return new (loadApi().tollgate.v1.Tollgate)(target, shown, {
    // A repeat is the caller's to decide: it counts as one.
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    // http_proxy is for the world outside; the sidecar is inside.
    'grpc.enable_http_proxy': 0,
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MS.first,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MS.most,
  });
}

function answer<Response>(
  send: (done: (error: ServiceError | null, response?: Response) => void) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error || !response) reject(error ?? new Error('no response'));
      else resolve(response);
    });
  });
}
