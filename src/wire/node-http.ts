import { createRequire } from 'node:module';

/**
 * Node's http, by require. To import it, Node 22 and newer load fetch and WebSocket whole, only to fill in its
 * names: 30 ms of CPU at each start, a tenth of it.
 */
export const { createServer, get } = createRequire(import.meta.url)(
  'node:http',
) as typeof import('node:http');
