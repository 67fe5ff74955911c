import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Call } from '../../src/model/call.js';
import { parseGlob } from '../../src/policy/glob.js';
import { matchRules } from '../../src/policy/match.js';
import { parsePolicy } from '../../src/policy/parse.js';
import { encodeValue } from '../../src/policy/partition.js';
import { callOf } from '../support/call.js';

function matches(match: string, call: Partial<Call>): boolean {
  const policy = parsePolicy(
    `rules: [{ id: r, action: block, match: ${match}, rateLimit: { limit: 1, window: 1 } }]`,
  );
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  return matchRules(policy, callOf(call)).length === 1;
}

test('match is globs over fields; an absent field is matched by no glob, and escapes no exclusion', () => {
  const cases: [string, Partial<Call>, boolean][] = [
    ['{}', {}, true],
    ['{ agent: "*" }', {}, true],
    ['{ agent: "support-*" }', { agent: 'support-v2' }, true],
    ['{ agent: "support-*" }', { agent: 'a-support-v2' }, false],
    ['{ agent: "v?" }', { agent: 'v2' }, true],
    ['{ agent: "v?" }', { agent: 'v22' }, false],
    ['{ agent: "A" }', { agent: 'a' }, false],
    ['{ agent: "a?c" }', { agent: 'a😀c' }, true],
    ['{ run: "*" }', { instance: 'pod-1' }, true],
    ['{ run: "*" }', {}, false],
    ['{ tool: "*" }', {}, false],
    ['{ tool: "*" }', { tool: 'x' }, true],
    ['{ model: "meta-llama/*" }', { model: 'meta-llama/Llama-3/70b' }, true],
    ['{ model: "anthropic.claude-v2:*" }', { model: 'anthropic.claude-v2:1' }, true],
    ['{ model: ["gpt-*", "!gpt-4o-mini"] }', { model: 'gpt-4o' }, true],
    ['{ model: ["gpt-*", "!gpt-4o-mini"] }', { model: 'gpt-4o-mini' }, false],
    ['{ model: ["gpt-*", "o?"] }', { model: 'o3' }, true],
    ['{ team: "!infra" }', { team: 'infra' }, false],
    ['{ team: "!infra" }', { team: 'ops' }, true],
    ['{ team: "!infra" }', {}, true],
    ['{ team: "*", tool: "*" }', { team: 'x' }, false],
    ['{ labels.tier: gold }', { labels: { tier: 'gold' } }, true],
    ['{ labels.tier: gold }', { labels: { tier: 'silver' } }, false],
    ['{ labels.tier: gold }', {}, false],
    ['{ labels.constructor: "*" }', {}, false],
    ['{ rootAgent: a }', { agent: 'a' }, true],
    ['{ depth: 0 }', {}, true],
    ['{ depth: ">5" }', {}, false],
    ['{ depth: "<=5" }', {}, true],
  ];
  for (const [match, call, expected] of cases) {
    assert.equal(matches(match, call), expected, `${match} on ${JSON.stringify(call)}`);
  }
});

test('a glob agrees with the regular expression that it stands for', () => {
  const piece = fc.constantFrom('a', 'b', '*', '?', '**', '.', '/');
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
      fc.string({ unit: fc.constantFrom('a', 'b', '.', '/'), maxLength: 10 }),
      (pattern, value) => {
        const glob = parseGlob(pattern);
        assert.ok(typeof glob !== 'string');
        const regex = new RegExp(
          `^${pattern.replace(/[./]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`,
        );
        assert.equal(glob(value), regex.test(value));
      },
    ),
    { numRuns: 5_000 },
  );
});

test('a glob full of stars takes no exponential time', () => {
  const glob = parseGlob('*a'.repeat(60));
  assert.ok(typeof glob !== 'string');
  assert.equal(glob('a'.repeat(255).concat('b')), false);
});

test('partitions name their fields; absent is none, an absent run the instance', () => {
  const partition = (per: string, call: Partial<Call>) => {
    const policy = parsePolicy(
      `rules: [{ id: r, action: block, per: ${per}, rateLimit: { limit: 1, window: 1 } }]`,
    );
    if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
    return matchRules(policy, callOf(call))[0]?.partition;
  };
  assert.equal(partition('[]', {}), 'all');
  assert.equal(partition('[agent]', { agent: 'customer-support-v2' }), 'agent=customer-support-v2');
  assert.equal(partition('[agent, tool]', { agent: 'a' }), 'agent=a,tool=none');
  assert.equal(partition('[tool]', { tool: 'none' }), 'tool=%6Eone');
  assert.equal(partition('[run]', { run: 'r1', instance: 'pod' }), 'run=r1');
  assert.equal(partition('[run]', { instance: 'pod' }), 'run=pod');
  assert.equal(
    partition('[agent, fingerprint]', { agent: 'a', fingerprint: 'f' }),
    'agent=a,fingerprint=f',
  );
  assert.equal(partition('[labels.x]', { labels: { x: 'a,b%' } }), 'labels.x=a%2Cb%25');
});

test('different values never make the same part of a partition', () => {
  const value = fc.string({
    unit: fc.constantFrom('%', ',', '=', '2', 'C', '5', '6', 'E', 'n', 'o', 'e'),
    maxLength: 6,
  });
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(encodeValue(a) === encodeValue(b), a === b);
      assert.doesNotMatch(encodeValue(a), /,/);
    }),
    { numRuns: 20_000 },
  );
});

test('an override replaces the limit for the calls that it matches, the first one first', () => {
  const policy = parsePolicy(`
rules:
  - id: r
    action: block
    rateLimit: { limit: 50, window: 1 }
    overrides:
      - { match: { agent: vip-1 }, limit: 500 }
      - { match: { agent: "vip-*" }, limit: 200 }
`);
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  const limit = (agent: string) => matchRules(policy, callOf({ agent }))[0]?.counted?.limit.amount;
  assert.deepEqual([limit('a'), limit('vip-1'), limit('vip-2')], [50, 500, 200]);
});
