import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineage } from '../../src/guard/lineage.js';
import { attributeOf } from '../../src/model/call.js';
import { callOf } from '../support/call.js';

const KEY = 'a key of at least thirty-two characters';

test('a child has run, root, depth and parent of its token, however deep', () => {
  const lineage = createLineage([KEY]);
  let call = callOf({ agent: 'root', callId: 'c0', run: 'r' });
  for (let depth = 1; depth <= 3; depth += 1) {
    const next = lineage.inherit(
      callOf({
        agent: `a${depth}`,
        callId: `c${depth}`,
        parent: lineage.tokenOf(call),
        run: 'own',
      }),
    );
    assert.ok(!('refused' in next));
    assert.deepEqual(
      [next.run, next.rootAgent, next.depth, next.parentCallId],
      ['r', 'root', depth, `c${depth - 1}`],
    );
    call = next;
  }
});

test('a root call without a run gives its children its instance, else the run without a name', () => {
  const lineage = createLineage([]);
  const runOf = (given: Parameters<typeof callOf>[0]) => {
    const parent = lineage.tokenOf(callOf(given));
    const child = lineage.inherit(callOf({ parent, instance: 'of the child' }));
    return 'refused' in child ? child.refused : attributeOf(child, 'run');
  };
  assert.equal(runOf({ callId: 'c', instance: 'pod-1' }), 'pod-1');
  assert.equal(runOf({ callId: 'c' }), '', 'where the root call counts too');
});

test('names of any characters and of the greatest length survive a token of at most 2,048 bytes', () => {
  const lineage = createLineage([KEY]);
  const long = '\u00fc.:/{}%'.repeat(32).slice(0, 128);
  const root = callOf({ agent: `${long}a`, callId: `${long}c`, run: `${long}r`, depth: 999 });
  const token = lineage.tokenOf({ ...root, depth: 998 });
  assert.ok(Buffer.byteLength(token) <= 2_048);
  const child = lineage.inherit(callOf({ parent: token }));
  assert.ok(!('refused' in child));
  assert.deepEqual(
    [child.run, child.rootAgent, child.parentCallId],
    [root.run, root.agent, root.callId],
  );
  const tooDeep = lineage.inherit(callOf({ parent: lineage.tokenOf({ ...root, depth: 1_000 }) }));
  assert.equal('refused' in tooDeep && tooDeep.refused, 'lineage');
});

test('under a key a run is of one agent alone, whatever slashes are in the names', () => {
  const lineage = createLineage([KEY]);
  const names = ['a', 'a/b', 'a~1b', 'a~b', 'a~0b', 'a/', '/a', '~', '~0', '~01', '/', 'a/b/c'];
  const seen = new Map<string, string>();
  for (const agent of names) {
    for (const run of ['1', 'b/1', '/1', '~1b/1', 'b', 'b/c/1', '0b/1']) {
      const call = lineage.inherit(callOf({ agent, run }));
      assert.ok(!('refused' in call));
      const other = seen.get(call.run);
      assert.equal(other, undefined, `${agent} with ${run} joins ${other}`);
      seen.set(call.run, `${agent} with ${run}`);
    }
  }
  const longest = callOf({ agent: '/'.repeat(256), run: 'r'.repeat(256), callId: 'c'.repeat(256) });
  const root = lineage.inherit({ ...longest, depth: 998 });
  assert.ok(!('refused' in root));
  const parent = lineage.tokenOf({ ...root, depth: 998 });
  assert.ok(Buffer.byteLength(parent) <= 2_048, `${Buffer.byteLength(parent)} bytes`);
  const child = lineage.inherit(callOf({ parent }));
  assert.ok(!('refused' in child));
  assert.equal(child.run, root.run);
});

test('without a key every token is believed, and what is none is refused', () => {
  const signed = createLineage([KEY]).tokenOf(callOf({ callId: 'c', run: 'r' }));
  const open = createLineage([]);
  assert.ok(!('refused' in open.inherit(callOf({ parent: signed }))), 'while keys are rolled out');
  const made = (text: string) => Buffer.from(text).toString('base64url');
  for (const parent of [
    'x',
    '.',
    made('r\na\n0'),
    made('r\n\n0\nc'),
    made('r\na\n-1\nc'),
    made('r\na\nx\nc'),
    made('r\u0000\na\n0\nc'),
    made(`${'r'.repeat(770)}\na\n0\nc`),
    Buffer.from('r\xff\na\n0\nc', 'latin1').toString('base64url'),
  ]) {
    const child = open.inherit(callOf({ parent }));
    assert.equal('refused' in child && child.refused, 'lineage', parent);
  }
});
