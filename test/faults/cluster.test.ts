import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ClusterProcesses, startCluster } from '../support/cluster.js';
import { NO_REDIS } from '../support/redis.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

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

  test('settles and releases in the domain that the identity names, and nowhere else', async () => {
    const { channel } = sidecar;
    const used = async (team_id: string) => {
      const asked = { agent_id: 'b', team_id, estimated_cost: 0 };
      const { rules } = await channel.inspect(asked, TIMEOUT_MS);
      return rules.find(({ rule_id }) => rule_id === 'agent-money')?.used;
    };
    for (const team_id of ['team-x', 'team-y', 'team-z']) {
      const call = { agent_id: 'b', team_id, call_id: 'c' };
      await channel.authorize({ ...call, estimated_cost: 10 }, TIMEOUT_MS);
      const elsewhere = await channel.settle({ ...call, team_id: 'other', cost: 1 }, TIMEOUT_MS);
      assert.equal(elsewhere.state, 'CALL_STATE_UNHELD');
      assert.equal((await channel.release(call, TIMEOUT_MS)).state, 'CALL_STATE_RELEASED');
      assert.equal(await used(team_id), 0);
      const settled = await channel.settle({ ...call, cost: 12.5 }, TIMEOUT_MS);
      assert.deepEqual([settled.state, settled.held?.cost_usd], ['CALL_STATE_SETTLED', 10]);
      assert.equal(await used(team_id), 12.5);
    }
  });

  test('the keeper reads windows and spend of all domains, whatever master has them', async () => {
    let text = '';
    const shows = (line: string) => text.includes(`${line}\n`);
    const lines = Array.from({ length: TEAMS }, (_, team) => [
      `tollgate_window_used{rule="team-calls",partition="team=team-${team}",metric="calls",agent="",team="team-${team}"} 5`,
      `tollgate_denied_today_calls{agent="a",team="team-${team}"} 1`,
    ]).flat();
    await until('all of them', async () => {
      text = await (await sidecar.ops('/metrics')).text();
      return lines.every(shows);
    });
    assert.ok(shows('tollgate_gates 1'));
  });
});
