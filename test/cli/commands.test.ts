import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { COMMANDS } from '../../src/cli/program.js';
import { STARTER_POLICY } from '../../src/policy/starter.js';
import { tollgate, tollgateProcess } from '../support/run.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

describe('the command line', () => {
  const folder = scratchFolder();
  let sidecar: SidecarProcess;
  let env: Record<string, string>;
  before(async () => {
    sidecar = await spawnSidecar({});
    env = { TOLLGATE_ADDRESS: sidecar.address };
  });
  after(() => sidecar.stop());

  test('without a command, with an unknown one, with --help: says what there is', async () => {
    const none = await tollgateProcess([]);
    assert.equal(none.code, 2);
    assert.match(none.out, /usage: tollgate COMMAND/);
    const unknown = await tollgateProcess(['fly']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /tollgate has no command "fly"/);
    for (const command of Object.keys(COMMANDS)) {
      const help = await tollgate([command, '--help']);
      assert.equal(help.code, 0);
      assert.match(help.out, new RegExp(`^usage: tollgate ${command}`));
      const wrong = await tollgate([command, '--no-such-option']);
      assert.equal(wrong.code, 2, command);
      assert.match(wrong.err, /no-such-option/);
    }
  });

  test('check says how a good policy is understood, and every mistake of a bad one', async () => {
    const good = await tollgate(['check', STARTER_POLICY]);
    assert.equal(good.code, 0);
    assert.match(
      good.out,
      /^token-budget-daily: each agent may spend 50 USD in any 24 h, else the call is blocked/,
    );
    const file = writeScratch(folder, 'rules:\n  - id: r\n    action: blok\n    foo: 1\n');
    const bad = await tollgate(['check', file]);
    assert.equal(bad.code, 1);
    assert.ok(bad.err.includes(`${file}:3:13: rules[0].action of "r": must be one of`));
    assert.ok(bad.err.includes(`${file}:4:5: rules[0].foo of "r": unknown key`));
    assert.match(bad.err, /2 mistakes; a sidecar would refuse this file/);
    assert.equal((await tollgate(['check', '/does/not/exist'])).code, 1);
    assert.equal((await tollgate(['check'])).code, 2);
    const schema = await tollgate(['check', '--schema']);
    const committed = new URL('../../../src/policy/policy.schema.json', import.meta.url);
    assert.equal(schema.out, readFileSync(committed, 'utf8'));
  });

  test('authorize prints the decision and ends with its code, for a shell hook', async () => {
    const call = [
      'authorize',
      '--agent',
      'shell',
      '--tool',
      'bash',
      '--cost',
      '30',
      '--label',
      'tier=gold',
    ];
    const allowed = await tollgateProcess(call, env);
    assert.equal(allowed.code, 0);
    assert.match(
      allowed.out,
      /^ALLOW {2}[0-9a-f-]{36}\n {2}token-budget-daily {2}agent=shell {2}\$30\.00 of \$50\.00 in 24 h\n/,
    );
    const dry = await tollgate([...call, '--dry-run'], env);
    assert.equal(dry.code, 3);
    const denied = await tollgate([...call, '--json'], env);
    assert.equal(denied.code, 3);
    const decision = JSON.parse(denied.out) as { verdict: string; reason: string };
    assert.equal(decision.verdict, 'VERDICT_DENY');
    assert.match(decision.reason, /^token-budget-daily: agent=shell has used \$30\.00 of \$50\.00/);
    const malformed = await tollgate(['authorize', '--tokens-in=-5'], env);
    assert.equal(malformed.code, 2);
    assert.match(malformed.err, /agent_id: is required\n {2}tokens_in: must be from 0/);
    const text = await tollgate(['authorize', '--agent', 'a', '--cost', 'much'], env);
    assert.equal(text.code, 2);
    assert.match(text.err, /estimatedCost: "much" is no number/);
    const alone = await tollgate(['authorize', '--agent', 'a'], {
      TOLLGATE_ADDRESS: '127.0.0.1:1',
    });
    assert.equal(alone.code, 4);
    assert.match(alone.err, /no sidecar answers at 127\.0\.0\.1:1; start one with tollgate serve/);
  });
});
