import assert from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build, buildOverlay, K8S, NO_KUBECTL } from '../support/kustomize.js';
import { container, type Manifest, only, onlyPodMaker } from '../support/manifest.js';
import { type Pod, placePod, type RunningContainer } from '../support/pod.js';
import { freePort, NO_REDIS } from '../support/redis.js';
import { tollgate } from '../support/run.js';
import { scratchFolder } from '../support/scratch.js';
import { readMetric } from '../support/sidecar.js';
import { until } from '../support/until.js';

/** A machine that is busy makes no decision degraded: the time that other tests give one, too. */
const PATIENT = { TOLLGATE_DECISION_MS: '2000' };

/** What a stop may take, of the 30 s that a pod has. */
const STOP_MS = 10_000;

describe('the trial, as its manifests say', { skip: NO_KUBECTL || NO_REDIS }, () => {
  const folder = scratchFolder();
  const running: RunningContainer[] = [];
  let objects: Manifest[];
  let redisUrl: string;
  /** Of the gate and of the keeper: two pods, which have one machine here. */
  let gateOps: string;
  let keeperOps: string;
  let gateAddress: string;

  let agents: Pod;
  let keepers: Pod;

  const start = (from: Pod, name: string, env?: Record<string, string>) => {
    const one = from.start(name, env);
    running.push(one);
    return one;
  };
  const ops = async (address: string, path: string) => fetch(`http://${address}${path}`);
  /** Does as the kubelet does with a container's startupProbe. */
  const started = (one: RunningContainer, maker: string, name: string, address: string) =>
    until(`${name} to have started`, async () => {
      if (one.child.exitCode !== null) throw new Error(`${name} has ended: ${one.out()}`);
      const { startupProbe } = container(onlyPodMaker(objects, 'Deployment', maker), name);
      const path = startupProbe?.httpGet?.path ?? '';
      return ops(address, path).then(
        ({ ok }) => ok,
        () => false,
      );
    });
  const metric = async (address: string, name: string, labels: string) =>
    readMetric(await (await ops(address, '/metrics')).text(), name, labels);

  before(async () => {
    objects = build(join(K8S, 'trial'));
    const [redisPort, gatePort, gateOpsPort, keeperPort] = [
      ...[await freePort(), await freePort(), await freePort(), await freePort()],
    ];
    redisUrl = `redis://127.0.0.1:${redisPort}`;
    gateAddress = `127.0.0.1:${gatePort}`;
    gateOps = `127.0.0.1:${gateOpsPort}`;
    keeperOps = `127.0.0.1:${keeperPort}`;

    const place = (kind: string, name: string) =>
      placePod(join(folder, name), objects, onlyPodMaker(objects, kind, name), `${name}-0`);
    agents = place('Deployment', 'example-agent');
    keepers = place('Deployment', 'tollgate-keeper');
    const redis = place('StatefulSet', 'tollgate-redis');
    const conf = only(objects, 'ConfigMap', 'tollgate-redis').data?.['redis.conf'] ?? '';
    writeFileSync(
      redis.here('redis', '/etc/redis/conf/redis.conf'),
      `${redis.here('redis', conf)}\nport ${redisPort}\nbind 127.0.0.1\n`,
    );
    start(redis, 'redis');
    await until('Redis to listen', () => listens(Number(redisPort)));
  });
  after(async () => {
    for (const one of running.toReversed()) {
      if (one.child.exitCode === null && one.child.signalCode === null) await one.stop();
    }
  });

  test('an agent asks its gate, and the keeper says whose spend it is', async () => {
    const gate = start(agents, 'tollgate', {
      ...PATIENT,
      REDIS_URL: redisUrl,
      TOLLGATE_LISTEN: gateAddress,
      TOLLGATE_OPS_LISTEN: gateOps,
    });
    await started(gate, 'example-agent', 'tollgate', gateOps);
    const agent = start(agents, 'agent', { TOLLGATE_ADDRESS: gateAddress });
    const keeper = start(keepers, 'keeper', {
      REDIS_URL: redisUrl,
      TOLLGATE_OPS_LISTEN: keeperOps,
      TOLLGATE_PAGE_LISTEN: '127.0.0.1:0',
    });
    await started(keeper, 'tollgate-keeper', 'keeper', keeperOps);
    await until('the agent to be allowed', () => {
      assert.equal(agent.child.exitCode, null, agent.out());
      return agent.out().includes('searched');
    });
    for (const [what, one] of Object.entries({ gate, keeper })) {
      assert.doesNotMatch(one.out(), /"level":[456]0/, what);
    }
    await until('the keeper to have summed it up', async () => {
      const text = await (await ops(keeperOps, '/metrics')).text();
      return /tollgate_spend_today_usd\{[^}]*agent="example-agent"[^}]*\} 0\.0[0-9]+/.test(text);
    });

    const tail = ['tail', '--agent', 'example-agent', '--last', '1', '--json'];
    const seen = await tollgate(tail, {
      REDIS_URL: redisUrl,
      TOLLGATE_REDIS_USERNAME: 'tollgate-keeper',
      TOLLGATE_REDIS_PASSWORD_FILE: keepers.here('keeper', '/run/secrets/tollgate-redis/password'),
    });
    assert.equal(seen.code, 0, seen.err);
    for (const text of ['example-agent', 'platform', 'cc-0000', 'example-agent-0']) {
      assert.ok(seen.out.includes(text), `${seen.out} lacks ${text}`);
    }

    // The agent first, then what it asks.
    for (const [what, one] of Object.entries({ agent, gate, keeper })) {
      const { code, tookMs } = await one.stop();
      assert.equal(code, 0, `${what}: ${one.out()}`);
      assert.ok(tookMs < STOP_MS, `${what} took ${tookMs} ms to stop`);
    }
  });

  test('its Redis lets nobody in without a password, keeps what it is told, and forgets nothing to make room', async () => {
    const noUser = await tollgate(['doctor'], { REDIS_URL: redisUrl });
    assert.match(noUser.out, /NOAUTH|password/);
    const { code, out } = await tollgate(['doctor'], {
      REDIS_URL: redisUrl,
      TOLLGATE_REDIS_USERNAME: 'tollgate-keeper',
      TOLLGATE_REDIS_PASSWORD_FILE: keepers.here('keeper', '/run/secrets/tollgate-redis/password'),
    });
    assert.equal(code, 0, out);
    assert.match(out, /noeviction/);
    assert.match(out, /the append-only file is on/);
  });

  test('a pod without its labels has no gate, and so no agent', async () => {
    const example = onlyPodMaker(objects, 'Deployment', 'example-agent');
    const { template } = example.spec;
    const unlabelled = {
      ...example,
      spec: { ...example.spec, template: { ...template, metadata: {} } },
    };
    const gate = placePod(join(folder, 'unlabelled'), objects, unlabelled, 'p').start('tollgate', {
      REDIS_URL: redisUrl,
    });
    running.push(gate);
    await until('it to end', () => gate.child.exitCode !== null);
    assert.equal(gate.child.exitCode, 1);
    assert.match(gate.out(), /TOLLGATE_AGENT_ID and TOLLGATE_TEAM_ID.*labels of the pod/);
  });

  test('by a unix socket, which other users of the pod may call, and on no port', async () => {
    const socket = join(folder, 'socket');
    const overlay = { resources: ['trial'], components: ['unix-socket'] };
    const built = buildOverlay(join(folder, 'built'), overlay);
    const pod = placePod(socket, built, onlyPodMaker(built, 'Deployment', 'example-agent'), 'p');
    const gate = start(pod, 'tollgate', {
      ...PATIENT,
      REDIS_URL: redisUrl,
      TOLLGATE_OPS_LISTEN: gateOps,
    });
    await started(gate, 'example-agent', 'tollgate', gateOps);
    const path = pod.here('agent', '/run/tollgate/tollgate.sock');
    assert.equal(statSync(path).mode & 0o777, 0o666);
    const agent = start(pod, 'agent');
    await until('the agent to be allowed', () => {
      assert.equal(agent.child.exitCode, null, agent.out());
      return agent.out().includes('searched');
    });
    assert.match(gate.out(), /"listen":"unix:/);
    assert.ok((await metric(gateOps, 'tollgate_store_up', '')) === 1);
    await agent.stop();
    assert.equal((await gate.stop()).code, 0);
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
