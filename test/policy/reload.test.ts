import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { scratchFolder } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';
import { until } from '../support/until.js';

const TIMEOUT_MS = 5_000;

function policyText(limit: number, window = 3600): string {
  return `rules: [{ id: r, action: block, rateLimit: { limit: ${limit}, window: ${window} } }]\n`;
}

describe('a policy file that changes', () => {
  const folder = scratchFolder();
  const started: SidecarProcess[] = [];
  after(() => Promise.all(started.map((sidecar) => sidecar.stop())));

  async function start(file: string): Promise<SidecarProcess> {
    const sidecar = await spawnSidecar({ TOLLGATE_POLICY: file });
    started.push(sidecar);
    return sidecar;
  }
  const limitNow = async (sidecar: SidecarProcess) =>
    (await sidecar.channel.inspect({ agent_id: 'a' }, TIMEOUT_MS)).rules[0]?.limit;
  const reloadOk = (sidecar: SidecarProcess) =>
    sidecar.metric('tollgate_policy_last_reload_successful');

  test('as Kubernetes changes it, by a swapped symlink, it is in force without a restart', async () => {
    const mount = join(folder, 'mount');
    const fill = (version: string, text: string) => {
      mkdirSync(join(mount, version), { recursive: true });
      writeFileSync(join(mount, version, 'policy.yaml'), text);
    };
    fill('..v1', policyText(5));
    symlinkSync('..v1', join(mount, '..data'));
    symlinkSync(join('..data', 'policy.yaml'), join(mount, 'policy.yaml'));
    const sidecar = await start(join(mount, 'policy.yaml'));
    assert.equal(await limitNow(sidecar), 5);
    fill('..v2', policyText(7));
    symlinkSync('..v2', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    rmSync(join(mount, '..v1'), { recursive: true });
    await until('the new limit', async () => (await limitNow(sidecar)) === 7);
    assert.equal(await reloadOk(sidecar), 1);
  });

  test('a bad file keeps the policy before it, and says so; the next good one is taken', async () => {
    const file = join(folder, 'policy.yaml');
    writeFileSync(file, policyText(5));
    const sidecar = await start(file);
    await sidecar.channel.authorize({ agent_id: 'a' }, TIMEOUT_MS);
    writeFileSync(file, 'rules: [{ id: r, action: blok }]\n');
    sidecar.child.kill('SIGHUP');
    await until('the refusal in the metric', async () => (await reloadOk(sidecar)) === 0);
    const line = sidecar.log.find(({ msg }) =>
      String(msg).startsWith('the policy file is refused'),
    );
    assert.deepEqual(line?.['errors'], [
      '1:26 rules[0].action of "r": must be one of "block"|"halt"|"alert"|"shadow"',
    ]);
    assert.equal(await limitNow(sidecar), 5);
    writeFileSync(file, policyText(9));
    sidecar.child.kill('SIGHUP');
    await until('the new limit', async () => (await limitNow(sidecar)) === 9);
    assert.equal(await reloadOk(sidecar), 1);
    const seen = await sidecar.channel.inspect({ agent_id: 'a' }, TIMEOUT_MS);
    assert.equal(seen.rules[0]?.used, 2, 'a new limit keeps the window');
    writeFileSync(file, policyText(9, 60));
    sidecar.child.kill('SIGHUP');
    await until('the rule with a new window in the log', () =>
      sidecar.log.some(({ new_windows: renewed }) => JSON.stringify(renewed) === '["r"]'),
    );
    const fresh = await sidecar.channel.inspect({ agent_id: 'a' }, TIMEOUT_MS);
    assert.equal(fresh.rules[0]?.used, 1, 'a new window length starts from empty');
  });
});
