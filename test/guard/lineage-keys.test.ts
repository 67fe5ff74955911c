import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineage } from '../../src/guard/lineage.js';
import { readLineageKeys } from '../../src/guard/lineage-keys.js';
import { callOf } from '../support/call.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';

const folder = scratchFolder();
const OLD = 'the key of before, at least thirty-two characters';
const NEW = 'the key of afterwards, at least thirty-two characters';

test('a key is changed in three steps, and at none is a token of the fleet refused', () => {
  const steps = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]].map((keys) => createLineage(keys));
  const token = (keys: (typeof steps)[number] | undefined) =>
    keys?.tokenOf(callOf({ callId: 'c', run: 'r' })) ?? '';
  for (const [n, here] of steps.entries()) {
    // A rollout has pods of one step and of the next side by side.
    for (const other of steps.slice(Math.max(0, n - 1), n + 2)) {
      const child = here.inherit(callOf({ callId: 'd', parent: token(other) }));
      assert.ok(!('refused' in child), `step ${n}`);
    }
  }
  const late = steps[3]?.inherit(callOf({ callId: 'd', parent: token(steps[0]) }));
  assert.ok(late && 'refused' in late && late.refused === 'forged');
});

test('what is wrong with the keys is said, and no key', () => {
  const file = (text: string) => ({ TOLLGATE_LINEAGE_KEY_FILE: writeScratch(folder, text) });
  const cases: [Record<string, string>, string[], RegExp | undefined][] = [
    [{}, [], undefined],
    [{ TOLLGATE_LINEAGE_KEY: OLD }, [OLD], undefined],
    [file(`${NEW}\n\n  ${OLD}\r\n`), [NEW, OLD], undefined],
    [{ TOLLGATE_LINEAGE_KEY: 'short' }, ['short'], /TOLLGATE_LINEAGE_KEY: must have at least 32/],
    [file(`${OLD}\nshort`), [OLD, 'short'], /_FILE: must have at least 32/],
    [file(' \n'), [], /_FILE: .* is empty$/],
    [file([OLD, OLD, OLD, OLD].join('\n')), [OLD, OLD, OLD, OLD], /at most 3 keys/],
    [{ TOLLGATE_LINEAGE_KEY_FILE: `${folder}/none` }, [], /_FILE: .* cannot be read/],
    [{ ...file(NEW), TOLLGATE_LINEAGE_KEY: OLD }, [NEW], /both set: leave one out/],
  ];
  for (const [env, keys, words] of cases) {
    const problems: string[] = [];
    assert.deepEqual(readLineageKeys(env, problems), keys);
    assert.match(problems.join('\n'), words ?? /^$/);
    assert.ok(!/short|characters$/.test(problems.join('\n').replace(/32 characters$/, '')));
  }
});
