/**
 * A process of sub-agents, for tests: a server whose requests carry a lineage. Each makes so many agents
 * spend, all at once, until they are denied, and answers what they have spent.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { connect, DeniedError } from '../../src/client/gate.js';

const CALL_USD = 0.07;

const gates: { close(): Promise<void> }[] = [];

async function spendAll(name: string, { headers }: IncomingMessage): Promise<number> {
  const gate = connect({ agent: name, timeoutMs: 10_000 });
  gates.push(gate);
  let calls = 0;
  try {
    for (;;) {
      await gate
        .from(headers)
        .call({ tool: 'think', estimatedCostUsd: CALL_USD }, async (grant) => {
          // What it causes is two calls deep, and costs the same run.
          await gate.call({ tool: 'look up', estimatedCostUsd: 0 }, () => undefined);
          grant.cost(CALL_USD);
        });
      calls += 1;
    }
  } catch (error) {
    if (!(error instanceof DeniedError)) throw error;
  }
  return calls * CALL_USD;
}

const server = createServer(async (request, response) => {
  const asked = new URL(request.url ?? '', 'http://localhost').searchParams;
  const agents = Array.from({ length: Number(asked.get('agents')) }, (_, n) => n);
  const spent = await Promise.all(
    agents.map((n) => spendAll(`sub-${process.pid}-${n}`, request)),
  ).catch((error: unknown) => String(error));
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
  response.end(JSON.stringify(spent));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : '');
});
process.on('disconnect', () => process.exit());
