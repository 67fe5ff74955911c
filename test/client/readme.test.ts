import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { firstExample, runExample } from '../support/example.js';
import { scratchFolder } from '../support/scratch.js';
import { type SidecarProcess, spawnSidecar } from '../support/sidecar.js';

let sidecar: SidecarProcess;
before(async () => {
  sidecar = await spawnSidecar({});
});
after(() => sidecar.stop());

const folder = scratchFolder();

test("the client's README begins with ten lines that compile, run and end", async () => {
  const example = firstExample('src/client/README.md');
  assert.ok(example.split('\n').filter((line) => line !== '').length <= 10);
  const { out } = await runExample(folder, example, { TOLLGATE_ADDRESS: sidecar.address });
  assert.equal(out, 'You asked: Where is my parcel?\n');
  const seen = await sidecar.channel.inspect({ agent_id: 'customer-support-v2', tool: 'x' }, 5_000);
  const loop = seen.rules.find(({ rule_id }) => rule_id === 'loop-detection');
  assert.equal(loop?.used, 2, 'the one that was made, and the one that is asked about');
});
