import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ServiceError, status } from '@grpc/grpc-js';
import { connect } from '../../src/client/gate.js';
import { NO_REDIS, type RedisProcess, startRedis } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

const SUBAGENTS = fileURLToPath(new URL('../support/subagents.js', import.meta.url));
const TIMEOUT_MS = 10_000;
/** 40 in all. */
const AGENTS = [14, 13, 13];

const POLICY = `
rules:
  - id: per-run
    action: block
    per: [run]
    rateLimit: { metric: estimated_cost_usd, limit: 2.00, window: 24h }
  - id: per-root
    action: alert
    match: { rootAgent: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 1000, window: 24h }
  - id: too-deep
    action: block
    match: { depth: ">5" }
`;

describe('a tree of agents in several processes', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let redis: RedisProcess;
  let sidecars: SidecarProcess[];
  let processes: { child: ChildProcess; port: number }[];
  before(async () => {
    redis = await startRedis();
    const env = {
      REDIS_URL: redis.url,
      TOLLGATE_POLICY: writeScratch(folder, POLICY),
      TOLLGATE_LINEAGE_KEY: 'a key of at least thirty-two characters',
    };
    sidecars = await Promise.all(AGENTS.map(() => spawnSidecar(env)));
    processes = await Promise.all(
      sidecars.map(async ({ address }) => {
        const child = fork(SUBAGENTS, {
          env: { PATH: process.env['PATH'], TOLLGATE_ADDRESS: address },
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        });
        const [port] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
        return { child, port: Number(port) };
      }),
    );
  });
  after(async () => {
    for (const { child } of processes) child.kill();
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    await redis.stop();
  });

  const first = () => (sidecars[0] as SidecarProcess).channel;
  const used = async (run_id: string, rule: string) => {
    const call = { agent_id: 'root', run_id, estimated_cost: 0 };
    const { rules } = await first().inspect(call, TIMEOUT_MS);
    return rules.find(({ rule_id }) => rule_id === rule)?.used;
  };

  test('one root and 40 sub-agents in 3 processes never pass the $2 of their run', async () => {
    const gate = connect({
      address: sidecars[0]?.address as string,
      agent: 'root',
      timeoutMs: TIMEOUT_MS,
    });
    const spent = await gate.run('the-run', () =>
      gate.call({ tool: 'plan', estimatedCostUsd: 0.1 }, async (grant) => {
        grant.cost(0.1);
        const answers = await Promise.all(
          processes.map(async ({ port }, n) => {
            const url = `http://127.0.0.1:${port}/?agents=${AGENTS[n]}`;
            return (await (await fetch(url, { headers: gate.headers() })).json()) as number[];
          }),
        );
        return answers.flat();
      }),
    );
    await gate.close();
    assert.equal(spent.length, 40);
    // $0.10 for the root, and 27 calls of $0.07: the next would be $2.06.
    const sum = 0.1 + spent.reduce((a, b) => a + b, 0);
    assert.equal(sum.toFixed(2), '1.99');
    assert.equal(await used('the-run', 'per-run'), 1.99);
    assert.equal(await used('another-run', 'per-run'), 0, 'a new run is a new budget');
    assert.equal(await used('another-run', 'per-root'), 1.99, 'and the root agent has it all');
  });

  test('a forged token is refused, whatever was changed in it; a bare run id starts a root run', async () => {
    const root = await first().authorize({ agent_id: 'root', run_id: 'r' }, TIMEOUT_MS);
    const [payload = '', signature = ''] = root.lineage.split('.');
    const other = Buffer.from('r2\nroot\n0\nx').toString('base64url');
    const flipped = `${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
    for (const parent of [
      payload,
      `${payload}.`,
      `${other}.${signature}`,
      `${payload}.${flipped}`,
    ]) {
      await assert.rejects(
        first().authorize({ agent_id: 'child', parent }, TIMEOUT_MS),
        (error: ServiceError) => {
          assert.equal(error.code, status.PERMISSION_DENIED);
          assert.match(error.details, /^parent: the lineage token is not signed with the key/);
          return true;
        },
      );
    }
    const child = { agent_id: 'child', parent: root.lineage, run_id: 'escape' };
    const { rules } = await first().authorize(child, TIMEOUT_MS);
    assert.deepEqual(
      rules.map(({ partition }) => partition),
      ['run=root/r', 'rootAgent=root'],
      'run and root come only from the token',
    );
  });

  test('depth is counted from the root, and a rule can end a chain', async () => {
    let parent = '';
    const verdicts: string[] = [];
    for (let depth = 0; depth <= 6; depth += 1) {
      const call = { agent_id: `level-${depth}`, run_id: parent ? '' : 'deep', parent };
      const { verdict, lineage } = await first().authorize(call, TIMEOUT_MS);
      verdicts.push(verdict);
      parent = lineage;
    }
    assert.deepEqual(verdicts, [...Array(6).fill('VERDICT_ALLOW'), 'VERDICT_DENY']);
  });
});
