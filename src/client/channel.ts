import { credentials } from '@grpc/grpc-js';
import { loadApi } from '../wire/definition.js';
import type { AuthorizeRequest } from '../wire/generated/tollgate/v1/AuthorizeRequest.js';
import type { AuthorizeResponse__Output } from '../wire/generated/tollgate/v1/AuthorizeResponse.js';

/** A channel to one sidecar. Calls reject with a gRPC ServiceError. */
export interface Channel {
  authorize(request: AuthorizeRequest, timeoutMs: number): Promise<AuthorizeResponse__Output>;
  inspect(request: AuthorizeRequest, timeoutMs: number): Promise<AuthorizeResponse__Output>;
  close(): void;
}

/** @param address `host:port` or `unix:///path` */
export function openChannel(address: string): Channel {
  const client = new (loadApi().tollgate.v1.Tollgate)(address, credentials.createInsecure(), {
    // A repeat is the caller's to decide: it counts as one.
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
  });
  const deadline = (timeoutMs: number) => ({ deadline: Date.now() + timeoutMs });
  return {
    authorize: (request, timeoutMs) =>
      new Promise((resolve, reject) => {
        client.authorize(request, deadline(timeoutMs), (error, response) => {
          if (error || !response) reject(error ?? new Error('no response'));
          else resolve(response);
        });
      }),
    inspect: (call, timeoutMs) =>
      new Promise((resolve, reject) => {
        client.inspect({ call }, deadline(timeoutMs), (error, response) => {
          if (error || !response?.decision) reject(error ?? new Error('no decision'));
          else resolve(response.decision);
        });
      }),
    close: () => client.close(),
  };
}
