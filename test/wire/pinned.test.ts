import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type ServiceError, status } from '@grpc/grpc-js';
import type { Channel } from '../../src/client/channel.js';
import { readSettings } from '../../src/settings.js';
import type { Sidecar } from '../../src/sidecar.js';
import { tollgate } from '../support/run.js';
import { samplesNamed } from '../support/scraped.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { scrapedTwice, sidecarHere, spawnSidecar } from '../support/sidecar.js';
import { type SimulatedRedis, startSimulated } from '../support/simulated.js';

const TIMEOUT_MS = 5_000;

const POLICY = `
rules:
  - { id: by-team, action: block, alertAt: [0.8], per: [team], rateLimit: { metric: estimated_cost_usd, limit: 10, window: 1h } }
  - { id: by-pod, action: halt, haltFor: 1m, per: [instance], rateLimit: { limit: 100, window: 1h } }
  - { id: tried, action: shadow, rateLimit: { limit: 100, window: 1h } }
`;

const PINNED = { agent: 'support', team: 'care', costCentre: 'c-17', instance: 'pod-1' };
const EVIL = { agent_id: 'evil', team_id: 'other', cost_centre: 'c-1', instance: 'pod-2' };
const OWN = {
  agent_id: 'support',
  team_id: 'care',
  cost_centre: 'c-17',
  instance: 'pod-1',
};

describe('a sidecar that is pinned to an identity', () => {
  const folder = scratchFolder();
  const policyFile = writeScratch(folder, POLICY);
  let redis: SimulatedRedis;
  let sidecar: Sidecar;
  let channel: Channel;
  let stop: () => Promise<void>;
  before(async () => {
    redis = await startSimulated('embedded');
    await redis.setClock(1_790_000_000_000_000);
    const pinned = { identity: PINNED };
    ({ sidecar, channel, stop } = await sidecarHere(
      redis.address,
      policyFile,
      redis.scripts,
      pinned,
    ));
  });
  after(async () => {
    await stop();
    await redis.close();
  });

  async function series(name: string): Promise<string[]> {
    const samples = samplesNamed(await scrapedTwice(sidecar.metrics), name);
    return samples.map(({ labels, value }) => [...Object.values(labels), value].join('/'));
  }

  test('its series exist at 0 from the start', async () => {
    assert.deepEqual(await series('tollgate_calls_total'), ['support/care/c-17///0']);
    assert.deepEqual(await series('tollgate_spend_usd_total'), ['support/care/c-17///0']);
    assert.deepEqual(await series('tollgate_tokens_total'), [
      'support/care/c-17///in/0',
      'support/care/c-17///out/0',
    ]);
    assert.deepEqual(await series('tollgate_overage_usd_total'), ['support/care/0']);
    assert.deepEqual(await series('tollgate_denials_total'), [
      'support/care/halt/0',
      'support/care/by-team/0',
      'support/care/by-pod/0',
    ]);
    assert.deepEqual(await series('tollgate_halts_total'), ['support/care/by-pod/0']);
    assert.deepEqual(await series('tollgate_shadow_denials_total'), ['support/care/tried/0']);
    assert.ok(
      (await series('tollgate_thresholds_raised_total')).includes('support/care/by-team/0.8/0'),
    );
  });

  test('the rules of a policy that is reloaded have theirs, and keep what they have', async () => {
    writeFileSync(policyFile, `${POLICY}  - { id: new, action: block, match: { tool: shell } }\n`);
    sidecar.reloadPolicy();
    assert.deepEqual((await series('tollgate_denials_total')).at(-1), 'support/care/new/0');
    await channel.authorize({ tool: 'shell' }, TIMEOUT_MS);
    writeFileSync(policyFile, POLICY);
    sidecar.reloadPolicy();
    assert.deepEqual((await series('tollgate_denials_total')).at(-1), 'support/care/new/1');
  });

  test('what a request leaves out of its identity is filled in, at every call of the API', async () => {
    const asked = { call_id: 'c', tool: 'search', estimated_cost: 4 };
    const decision = await channel.authorize(asked, TIMEOUT_MS);
    assert.deepEqual(
      decision.rules.map(({ partition }) => partition),
      ['team=care', 'instance=pod-1', 'agent=support'],
    );
    assert.equal((await channel.authorize({ ...asked, ...OWN }, TIMEOUT_MS)).repeat, 1, 'the same');
    const inspected = await channel.inspect({ estimated_cost: 0 }, TIMEOUT_MS);
    assert.equal(inspected.rules[0]?.used, 4);
    const settled = await channel.settle({ call_id: 'c', cost: 3 }, TIMEOUT_MS);
    assert.deepEqual(
      [settled.state, settled.settled?.cost_usd, settled.held?.cost_usd],
      ['CALL_STATE_SETTLED', 3, 4],
    );
    await channel.authorize({ call_id: 'd', estimated_cost: 1 }, TIMEOUT_MS);
    const released = await channel.release({ call_id: 'd' }, TIMEOUT_MS);
    assert.equal(released.state, 'CALL_STATE_RELEASED');
    const whole = { call_id: 'e', cost: 1, call: { tool: 'search' } };
    assert.equal((await channel.settle(whole, TIMEOUT_MS)).state, 'CALL_STATE_UNAUTHORIZED');
    assert.deepEqual(await series('tollgate_spend_usd_total'), [
      'support/care/c-17///0',
      'support/care/c-17/search//4',
    ]);
  });

  test('a request that claims another identity is refused, and nothing is written', async () => {
    const before = await redis.dump();
    for (const [field, claimed] of Object.entries(EVIL)) {
      const pinned = OWN[field as keyof typeof OWN];
      const call = { call_id: 'x', [field]: claimed };
      for (const ask of [
        () => channel.authorize(call, TIMEOUT_MS),
        () => channel.inspect(call, TIMEOUT_MS),
        () => channel.settle({ ...call, cost: 1 }, TIMEOUT_MS),
        () => channel.settle({ call_id: 'x', cost: 1, call }, TIMEOUT_MS),
        () => channel.release(call, TIMEOUT_MS),
      ]) {
        await assert.rejects(ask(), (error: ServiceError) => {
          assert.equal(error.code, status.PERMISSION_DENIED);
          assert.ok(error.details.startsWith(`${field}: "${claimed}" is not who`), error.details);
          assert.ok(error.details.includes(`pinned to "${pinned}" (TOLLGATE_`), error.details);
          return true;
        });
      }
    }
    assert.deepEqual(await redis.dump(), before);
    assert.deepEqual(await series('tollgate_refused_calls_total'), ['PERMISSION_DENIED/20']);
  });

  test("another agent's call is not settled or released", async () => {
    const policy = writeScratch(folder, POLICY);
    const other = await sidecarHere(redis.address, policy, redis.scripts);
    try {
      const theirs = { agent_id: 'victim', call_id: 'v', estimated_cost: 2 };
      await other.channel.authorize(theirs, TIMEOUT_MS);
      for (const ask of [
        () => channel.settle({ agent_id: 'victim', call_id: 'v', cost: 0 }, TIMEOUT_MS),
        () => channel.release({ agent_id: 'victim', call_id: 'v' }, TIMEOUT_MS),
      ]) {
        await assert.rejects(ask(), /agent_id: "victim" is not who this sidecar speaks for/);
      }
      // Its own name does not reach the call either.
      const answer = await channel.settle({ call_id: 'v', cost: 0 }, TIMEOUT_MS);
      assert.equal(answer.state, 'CALL_STATE_UNHELD');
      const used = await other.channel.inspect({ agent_id: 'victim' }, TIMEOUT_MS);
      assert.equal(used.rules[0]?.used, 2);
    } finally {
      await other.stop();
    }
  });

  test('without a pin, every identity is believed, and none is filled in', async () => {
    const policy = writeScratch(folder, POLICY);
    const open = await sidecarHere(redis.address, policy, redis.scripts);
    try {
      await assert.rejects(open.channel.authorize({}, TIMEOUT_MS), /^.*agent_id: is required$/);
      const decision = await open.channel.authorize({ agent_id: 'anyone' }, TIMEOUT_MS);
      assert.equal(decision.verdict, 'VERDICT_ALLOW');
    } finally {
      await open.stop();
    }
  });
});

test('the environment pins: as a process, and what is wrong with it is said', async () => {
  // Who calls is looked at before Redis is asked, so one that is away will do.
  const sidecar = await spawnSidecar({
    REDIS_URL: 'redis://127.0.0.1:1',
    TOLLGATE_AGENT_ID: 'support',
    TOLLGATE_TEAM_ID: 'care',
    TOLLGATE_REQUIRE_IDENTITY: '1',
  });
  try {
    await assert.rejects(
      sidecar.channel.authorize({ agent_id: 'evil' }, TIMEOUT_MS),
      /PERMISSION_DENIED: agent_id: "evil" .* pinned to "support" \(TOLLGATE_AGENT_ID\)/,
    );
    const labels = '{agent="support",team="care",cost_centre="",tool="",model=""}';
    assert.match(
      await (await sidecar.ops('/metrics')).text(),
      new RegExp(`tollgate_calls_total${labels.replace(/[{}]/g, '\\$&')} 0`),
    );
  } finally {
    await sidecar.stop();
  }
  const refused = await tollgate(['serve'], { TOLLGATE_REQUIRE_IDENTITY: '1' });
  assert.equal(refused.code, 1);
  assert.match(
    refused.out + refused.err,
    /TOLLGATE_REQUIRE_IDENTITY is set without TOLLGATE_AGENT_ID and TOLLGATE_TEAM_ID: /,
  );
  for (const [name, value, problem] of [
    ['TOLLGATE_AGENT_ID', '*', 'must not be *, which means every agent'],
    ['TOLLGATE_AGENT_ID', 'a\u0000', 'has a control character'],
    ['TOLLGATE_TEAM_ID', 'x'.repeat(257), 'is over 256 bytes'],
    ['TOLLGATE_GATE_SERIES', '9', 'must be a whole number from 10 to 100000'],
    ['TOLLGATE_KEEPER_SERIES', 'many', 'must be a whole number from 10 to 100000'],
  ] as const) {
    const settings = readSettings({ [name]: value });
    assert.deepEqual('problems' in settings && settings.problems, [`${name}: ${problem}`]);
  }
});
