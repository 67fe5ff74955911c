import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NOT_SET_OFF } from '../../src/model/entry.js';
import { formatLine, MAX_POLICY_TEXT_BYTES } from '../../src/model/ledger-line.js';
import { MAX_LINE_BYTES, parseLine } from '../../src/model/ledger-line-parse.js';
import { postingOf } from '../../src/model/spend.js';
import { arbitraryEntry } from '../support/entries.js';

test('a line gives back the entry, to the nano-dollar', () => {
  fc.assert(
    fc.property(arbitraryEntry, (entry) => {
      const line = formatLine(entry);
      assert.ok(!line.includes('\n'));
      const parsed = parseLine(line);
      assert.ok('entry' in parsed, JSON.stringify(parsed));
      assert.deepEqual(parsed.entry, entry);
    }),
    { numRuns: 2_000 },
  );
});

test('the field spendNano of all lines adds up to the spend, and so do calls and tokens', () => {
  fc.assert(
    fc.property(fc.array(arbitraryEntry, { maxLength: 30 }), (entries) => {
      const said = { nano: 0n, calls: 0, tokensIn: 0, tokensOut: 0 };
      const posted = { nano: 0n, calls: 0, tokensIn: 0, tokensOut: 0 };
      for (const entry of entries) {
        const line = JSON.parse(formatLine(entry));
        said.nano += BigInt(line.spendNano ?? 0);
        said.calls += line.calls ?? 0;
        said.tokensIn += line.spendTokensIn ?? 0;
        said.tokensOut += line.spendTokensOut ?? 0;
        const sums = postingOf(entry)?.sums;
        posted.nano += sums?.costNano ?? 0n;
        posted.calls += sums?.calls ?? 0;
        posted.tokensIn += sums?.tokensIn ?? 0;
        posted.tokensOut += sums?.tokensOut ?? 0;
      }
      assert.deepEqual(said, posted);
    }),
  );
});

const SETTLED = {
  id: '1790000000000-0',
  at: '2026-09-21T14:13:20.000Z',
  kind: 'settled',
  callId: 'c1',
  agentId: 'support',
  model: 'gpt-4o',
  tokensIn: 1240,
  tokensOut: 89,
  actualCost: 0.00399,
  priceSource: 'table',
  heldTokensIn: 1240,
  heldTokensOut: 4096,
  estimatedCost: 0.0043,
  heldPriceSource: 'caller',
  state: 'settled',
  outcome: 'ok',
  spendNano: 3_990_000,
  calls: 1,
};

test('a halt or a threshold of before, which does not say which call set it off, is read', () => {
  const reached = { rule: 'r', partition: 'p', metric: 'calls', limit: 2, amount: 2 } as const;
  const halted = { rule: 'r', by: '', why: 'w', untilUs: 0 };
  for (const of of [
    { kind: 'threshold', ...reached },
    { kind: 'halted', ...halted },
  ]) {
    const text = JSON.stringify({ id: '7-0', agentId: 'a', ...of });
    const line = parseLine(text);
    assert.ok('entry' in line, JSON.stringify(line));
    assert.deepEqual(line.entry, { id: '7-0', atMs: 7, agent: 'a', ...of, ...NOT_SET_OFF });
    assert.deepEqual(
      JSON.parse(formatLine(line.entry)),
      { ...JSON.parse(text), at: '1970-01-01T00:00:00.007Z' },
      'nor is there a place for it',
    );
  }
});

test('a record has the names that records have everywhere', () => {
  const line = parseLine(JSON.stringify(SETTLED));
  assert.ok('entry' in line, JSON.stringify(line));
  assert.equal(line.domain, undefined, 'lines of before have none');
  assert.deepEqual(JSON.parse(formatLine(line.entry, { domain: 'red' })), {
    ...{ ...SETTLED, domain: 'red', rootAgent: 'support' },
    ...{ spendTokensIn: 1240, spendTokensOut: 89 },
  });
});

test('a line gives back its domain, and the text of a policy however it has to be escaped', () => {
  const entry = { id: '7-0', atMs: 7, kind: 'policy', hash: 'abc', from: 'p', by: 'b' } as const;
  const policyText = '"\n'.repeat(MAX_POLICY_TEXT_BYTES / 2);
  const line = formatLine(entry, { domain: 'a%2Cb', policyText });
  assert.deepEqual(parseLine(line), { entry, domain: 'a%2Cb', policyText });
  const settled = formatLine(entry, { domain: 'a%2Cb' });
  assert.deepEqual(parseLine(settled), { entry, domain: 'a%2Cb', policyText: undefined });
});

test('what nobody authorized, and what no hold was known of, is unauthorized', () => {
  const unauthorizedNano = (state: string) => {
    const line = parseLine(JSON.stringify({ ...SETTLED, state }));
    return 'entry' in line ? postingOf(line.entry)?.sums.unauthorizedNano : undefined;
  };
  assert.equal(unauthorizedNano('unauthorized'), 3_990_000n);
  assert.equal(unauthorizedNano('unheld'), 3_990_000n);
  assert.equal(unauthorizedNano('settled'), 0n);
});

for (const [what, line, problem] of [
  ['no JSON', '{"id":', /^is not JSON$/],
  ['no object', '7', /object/],
  ['a kind that is none', { ...SETTLED, kind: 'spent' }, /^kind: /],
  ['an id of another stream', { ...SETTLED, id: 'x' }, /^id: must be MILLISECONDS-NUMBER$/],
  ['an amount that is missing', { ...SETTLED, actualCost: undefined }, /^actualCost: /],
  ['a cost below nothing', { ...SETTLED, actualCost: -1 }, /^actualCost: /],
  ['a cost past all sums', { ...SETTLED, actualCost: 1e8 }, /past what sums can hold/],
  ['tokens that are not whole', { ...SETTLED, tokensIn: 1.5 }, /^tokensIn: /],
  ['a sum that was changed', { ...SETTLED, spendNano: 3_990_001 }, /amounts were changed/],
  ['a tab in a name', { ...SETTLED, agentId: 'a\tb' }, /^agentId: has a control character$/],
  ['a name too long', { ...SETTLED, tool: 'x'.repeat(257) }, /^tool: is over 256 bytes$/],
  ['a label with a line break', { ...SETTLED, labels: { a: 'b\nc' } }, /^labels\.a: has a control/],
  ['too much', { ...SETTLED, tool: 'x'.repeat(MAX_LINE_BYTES) }, /^is over \d+ bytes$/],
] as const) {
  test(`a line is refused for ${what}`, () => {
    const parsed = parseLine(typeof line === 'string' ? line : JSON.stringify(line));
    assert.ok('problem' in parsed);
    assert.match(parsed.problem, problem);
  });
}

test('a line of before, which tells nothing of the window of a denial, is read', () => {
  const { id, at, agentId, model } = SETTLED;
  const asked = { tokensIn: 1, tokensOut: 2, estimatedCost: 0.5, priceSource: 'caller' };
  const told = { rule: 'r', partition: 'p', deniedCalls: 3, firstUs: 1, lastUs: 2 };
  const line = parseLine(
    JSON.stringify({ id, at, kind: 'denied', agentId, model, ...asked, ...told }),
  );
  assert.ok('entry' in line && line.entry.kind === 'denied', JSON.stringify(line));
  const { metric, used, limit, retryAtUs, run, askedAgain } = line.entry;
  assert.deepEqual([metric, used, limit, retryAtUs, run], [undefined, 0, 0, 0, '']);
  assert.deepEqual(askedAgain, { costNano: 0, tokensIn: 0, tokensOut: 0 });
});
