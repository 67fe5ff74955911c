import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, DeniedError, type OnDenied, type Options } from '../../src/client/gate.js';
import { firstExample, runExample } from '../support/example.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

/** Long enough for a loaded machine. */
const TIMEOUT_MS = 10_000;

const POLICY = `
rules:
  - id: money
    action: block
    match: { agent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 10, window: 1d }
  - id: attempts
    action: block
    match: { agent: "*" }
    rateLimit: { limit: 50, window: 1d }
  - id: of-the-run
    action: block
    match: { run: "*" }
    rateLimit: { limit: 100, window: 1d }
`;

describe('the client and a sidecar', () => {
  const folder = scratchFolder();
  const policy = writeScratch(folder, POLICY, 'policy.yaml');
  let sidecar: SidecarProcess;
  before(async () => {
    sidecar = await spawnSidecar({ TOLLGATE_POLICY: policy });
  });
  after(() => sidecar.stop());

  function gateOf<D extends OnDenied = 'raise'>(agent: string, options: Options<D> = {}) {
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    const { address } = sidecar;
    return {
      gate: connect<D>({ address, agent, timeoutMs: TIMEOUT_MS, warn, ...options }),
      warnings,
    };
  }

  /** What the windows hold for an agent, by rule, less the call that is asked about. */
  async function usedBy(agent: string, run_id = ''): Promise<Record<string, number>> {
    const call = { agent_id: agent, estimated_cost: 0, run_id };
    const { rules } = await sidecar.channel.inspect(call, TIMEOUT_MS);
    return Object.fromEntries(
      rules.map(({ rule_id, used = 0 }) => [rule_id, rule_id === 'money' ? used : used - 1]),
    );
  }

  test('a call counts with what it has used, not with what it held', async () => {
    const { gate, warnings } = gateOf('settles');
    await gate.call({ tool: 'x', estimatedCostUsd: 5 }, async (grant) => {
      assert.equal((await usedBy('settles'))['money'], 5);
      grant.cost(0.25);
    });
    await gate.close();
    const { money, attempts } = await usedBy('settles');
    assert.deepEqual({ money, attempts }, { money: 0.25, attempts: 1 });
    assert.deepEqual(warnings, []);
  });

  test("the provider's usage is priced", async () => {
    const { gate, warnings } = gateOf('priced');
    const usage = { prompt_tokens: 1240, completion_tokens: 89, total_tokens: 1329 };
    await gate.call({ model: 'gpt-4o', provider: 'openai', maxTokensOut: 500 }, async (grant) =>
      grant.used({ model: 'gpt-4o', usage }),
    );
    await gate.close();
    assert.equal((await usedBy('priced'))['money'], 0.00399);
    assert.deepEqual(warnings, []);
  });

  test('a call that was never sent costs nothing, and stays an attempt', async () => {
    const { gate, warnings } = gateOf('releases');
    await gate.call({ tool: 'x', estimatedCostUsd: 5 }, async (grant) => grant.release());
    await gate.close();
    const { money, attempts } = await usedBy('releases');
    assert.deepEqual({ money, attempts }, { money: 0, attempts: 1 });
    assert.deepEqual(warnings, []);
  });

  test('a call that throws and has reported nothing keeps its hold', async () => {
    const { gate } = gateOf('throws');
    const work = () => Promise.reject(new Error('broke'));
    await assert.rejects(gate.call({ tool: 'x', estimatedCostUsd: 5 }, work), /broke/);
    await gate.close();
    assert.equal((await usedBy('throws'))['money'], 5);
  });

  test('a call that was made while the sidecar was away is charged when it is back', async () => {
    const address = `unix://${join(folder, 'late.sock')}`;
    const { gate } = gateOf('away', { address, failureMode: 'allow', timeoutMs: 200 });
    await gate.call({ tool: 'x', estimatedCostUsd: 5 }, async (grant) => grant.cost(2));
    const late = await spawnSidecar({ TOLLGATE_POLICY: policy, TOLLGATE_LISTEN: address });
    try {
      await until('the charge', async () => {
        const call = { agent_id: 'away', estimated_cost: 0 };
        // gRPC's channels to one address share the pause before they connect again.
        const decision = await late.channel.inspect(call, TIMEOUT_MS).catch(() => undefined);
        return decision?.rules.find(({ rule_id }) => rule_id === 'money')?.used === 2;
      });
      await gate.close();
    } finally {
      await late.stop();
    }
  });

  test('calls that are caused by a call count to its run, whoever makes them', async () => {
    const planner = gateOf('planner').gate;
    const writer = gateOf('writer').gate;
    await planner.run('ticket-17', () =>
      planner.call({ tool: 'plan' }, async () => {
        await writer.call({ tool: 'write' }, () => writer.call({ tool: 'spell' }, async () => {}));
        await planner.from(planner.headers()).call({ tool: 'read' }, async () => {});
      }),
    );
    await Promise.all([planner.close(), writer.close()]);
    assert.equal((await usedBy('anybody', 'ticket-17'))['of-the-run'], 4);
  });

  test('a loop is told what it has run into', async () => {
    const { gate } = gateOf('loops', { onDenied: 'tell' });
    const search = gate.tool('search', async () => 'found');
    for (let n = 0; n < 50; n += 1) assert.equal(await search(), 'found');
    const told = await search();
    assert.ok(told instanceof DeniedError);
    assert.match(
      told.tell,
      /^The call to search was not made: attempts: agent=loops has used 50 of 50 calls in 24 h/,
    );
    assert.equal(told.rule?.id, 'attempts');
    await gate.close();
  });

  test("the README's example is settled, and warns of nothing", async () => {
    const example = firstExample('src/client/README.md');
    const env = { TOLLGATE_ADDRESS: sidecar.address };
    const { err } = await runExample(folder, example, env);
    assert.equal(err, '');
    assert.equal((await usedBy('customer-support-v2'))['money'], 0.00399);
  });
});
