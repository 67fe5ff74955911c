/** A bare grpc-js server that answers each Authorize at once: what the wire alone costs. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { loadApi } from '../../src/wire/definition.js';

const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(loadApi().tollgate.v1.Tollgate.service, {
  Authorize: (_call: unknown, callback: (error: null, response: object) => void) =>
    callback(null, { verdict: 'VERDICT_ALLOW', call_id: 'echo' }),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(JSON.stringify({ port }));
});
