import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ClusterProcesses, startCluster } from '../support/cluster.js';
import { NO_REDIS } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

const TIMEOUT_MS = 10_000;
const TEAMS = 12;

const POLICY = `
domain: "{team}"
rules:
  - id: team-calls
    action: block
    match: { team: "*" }
    rateLimit: { limit: 5, window: 1h }
  - id: agent-money
    action: block
    per: [team, agent]
    rateLimit: { metric: estimated_cost_usd, limit: 100, window: 24h }
`;

describe('a Redis Cluster of three masters', { skip: NO_REDIS }, () => {
  const folder = scratchFolder();
  let cluster: ClusterProcesses;
  let sidecar: SidecarProcess;
  before(async () => {
    const policy = writeScratch(folder, POLICY);
    cluster = await startCluster();
    sidecar = await spawnSidecar({
      REDIS_URL: cluster.url,
      TOLLGATE_REDIS_MODE: 'cluster',
      TOLLGATE_POLICY: policy,
    });
  });
  after(async () => {
    await sidecar.stop();
    await cluster.stop();
  });

  test('decides by the same scripts, each domain in one slot, the domains over all masters', async () => {
    for (let team = 0; team < TEAMS; team += 1) {
      const verdicts = [];
      for (let n = 0; n < 6; n += 1) {
        const decision = await sidecar.channel.authorize(
          { agent_id: 'a', team_id: `team-${team}`, estimated_cost: 1 },
          TIMEOUT_MS,
        );
        assert.equal(decision.degraded, false);
        verdicts.push(decision.verdict);
      }
      assert.deepEqual(verdicts, [...Array(5).fill('VERDICT_ALLOW'), 'VERDICT_DENY']);
    }
    const perNode = await Promise.all(cluster.nodes.map(({ client }) => client.keys('tg:{team-*')));
    assert.ok(
      perNode.every((keys) => keys.length > 0),
      'every master has some domain',
    );
    for (const key of perNode.flat()) assert.match(key, /^tg:\{team-\d+\}:/);
    const domains = perNode.map((keys) => new Set(keys.map((key) => key.split(':')[1])));
    const total = domains.reduce((sum, set) => sum + set.size, 0);
    assert.equal(total, TEAMS, 'no domain is on two masters');
  });
});
