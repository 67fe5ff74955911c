import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describePolicy } from '../../src/policy/describe.js';
import { parsePolicy } from '../../src/policy/parse.js';
import type { Policy } from '../../src/policy/policy.js';
import { STARTER_POLICY } from '../../src/policy/starter.js';
import { readPolicy } from '../../src/policy/watch.js';
import { scratchFolder, writeScratch } from '../support/scratch.js';

const ARTICLE = fileURLToPath(
  new URL('../../../../shared/examples/article-rules.yaml', import.meta.url),
);

function good(text: string): Policy {
  const policy = parsePolicy(text);
  if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
  return policy;
}

/** The rule that stands in most bad files, with one line changed. */
function rule(...lines: string[]): string {
  return `rules:\n  - id: r\n    action: block\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

describe('a policy file', () => {
  test("the article's rules load as they are, and mean what they say", () => {
    const text = readFileSync(STARTER_POLICY, 'utf8');
    if (existsSync(ARTICLE)) assert.equal(readFileSync(ARTICLE, 'utf8'), text);
    assert.deepEqual(describePolicy(good(text)), [
      'token-budget-daily: each agent may spend 50 USD in any 24 h, else the call is blocked; without Redis: deny',
      'loop-detection: each agent may make 50 calls with a tool in any 60 s, else the call is blocked (this slows a loop to that rate; it does not end it); without Redis: allow',
      'a model without a price is assumed to cost 15 USD per million tokens in, 75 out',
      'a call that no rule matches is allowed',
      'domain: "default"',
    ]);
  });

  test('everything that a rule can say is understood', () => {
    const policy = good(`
domain: fleet-1
mode: shadow
unmatched: deny
rules:
  - id: teams
    action: alert
    match: { team: "*", model: ["gpt-*", "!gpt-4o-mini"], labels.tier: gold, depth: ">5" }
    require: [costCentre]
    rateLimit: { metric: tokens, limit: 1000000, window: 30d }
    alertAt: [0.5, 0.8, 1.0]
    overrides:
      - match: { team: research }
        limit: 5000000
  - id: never
    action: block
    match: { tool: rm }
  - id: quiet
    action: shadow
    per: []
    rateLimit: { metric: estimated_cost_usd, limit: 0.25, window: 15m }
    failureMode: allow
`);
    assert.deepEqual(describePolicy(policy), [
      'teams: each team may use 1000000 tokens with a team, where model is gpt-* but not gpt-4o-mini, where depth is >5, where labels.tier is gold in any 30 days, else it goes on and an alert is raised; use 5000000 tokens where team is research; raises at 50%, 80%, 100%; a call without costCentre is denied; without Redis: allow',
      'never: every call where tool is rm is blocked',
      'quiet: all agents together may spend 0.25 USD in any 15 min, else it goes on and is counted as one that block would deny; without Redis: allow',
      'a model without a price is assumed to cost 15 USD per million tokens in, 75 out',
      'mode shadow: every rule decides and counts, none denies',
      'a call that no rule matches is denied',
      'domain: "fleet-1"',
    ]);
  });

  test('per is by default the identity fields that match names, else the agent', () => {
    const perOf = (match: string) =>
      good(rule(`match: ${match}`, 'rateLimit: { limit: 1, window: 1 }')).rules[0]?.per;
    assert.deepEqual(perOf('{}'), ['agent']);
    assert.deepEqual(perOf('{ tool: "*", model: x }'), ['agent']);
    assert.deepEqual(perOf('{ team: "*" }'), ['team']);
    assert.deepEqual(perOf('{ run: "*", agent: x, tool: y }'), ['agent', 'run']);
    assert.deepEqual(perOf('{ costCentre: a, rootAgent: b, instance: c }'), [
      'costCentre',
      'rootAgent',
    ]);
  });

  test('limits are exact, to the nano-dollar and to the largest', () => {
    const limitOf = (metric: string, limit: string) =>
      good(rule(`rateLimit: { metric: ${metric}, limit: ${limit}, window: 1 }`)).rules[0]?.rateLimit
        ?.limit.amount;
    assert.equal(limitOf('estimated_cost_usd', '0.1'), 100_000_000);
    assert.equal(limitOf('estimated_cost_usd', '0.000000001'), 1);
    assert.equal(limitOf('estimated_cost_usd', '9000000'), 9_000_000_000_000_000);
    assert.equal(limitOf('estimated_cost_usd', '1234567.123456789'), 1_234_567_123_456_789);
    assert.equal(limitOf('tokens', '9000000000000000'), 9_000_000_000_000_000);
    assert.equal(limitOf('calls', '0'), 0);
  });

  test('thresholds are whole, rounded up, and free of binary fractions', () => {
    const policy = good(
      rule('rateLimit: { limit: 30, window: 1 }', 'alertAt: [0.1, 0.7, 0.75, 1]'),
    );
    assert.deepEqual(policy.rules[0]?.rateLimit?.limit.thresholds, [3, 21, 23, 30]);
  });

  test('a changed metric, window or per is another shape; a changed limit is not', () => {
    const shapeOf = (...lines: string[]) => good(rule(...lines)).rules[0]?.rateLimit?.shape;
    const base = shapeOf('rateLimit: { limit: 1, window: 60 }');
    assert.equal(shapeOf('rateLimit: { limit: 2, window: 60s }'), base);
    assert.equal(shapeOf('rateLimit: { limit: 1, window: 1m }', 'match: { tool: x }'), base);
    assert.notEqual(shapeOf('rateLimit: { limit: 1, window: 61 }'), base);
    assert.notEqual(shapeOf('rateLimit: { metric: tokens, limit: 1, window: 60 }'), base);
    assert.notEqual(shapeOf('rateLimit: { limit: 1, window: 60 }', 'per: [team]'), base);
  });

  test('a changed calendar or timezone is another shape', () => {
    const shapeOf = (window: string) =>
      good(rule(`rateLimit: { limit: 1, window: ${window} }`)).rules[0]?.rateLimit?.shape;
    const base = shapeOf('{ calendar: day, timezone: UTC }');
    assert.equal(shapeOf('{ calendar: day }'), base);
    const others = [
      '{ calendar: week }',
      '{ calendar: month }',
      '{ calendar: day, timezone: Asia/Tokyo }',
      '24h',
    ].map(shapeOf);
    assert.equal(new Set([base, ...others]).size, 5);
  });

  test('a window is a length, or a calendar and its timezone, UTC by default', () => {
    const windowOf = (window: string) =>
      good(rule(`rateLimit: { limit: 1, window: ${window} }`)).rules[0]?.rateLimit?.window;
    assert.deepEqual(windowOf('90s'), { lengthUs: 90_000_000 });
    assert.deepEqual(windowOf('{ calendar: week }'), { calendar: 'week', timezone: 'UTC' });
    assert.deepEqual(windowOf('{ calendar: day, timezone: Asia/Singapore }'), {
      calendar: 'day',
      timezone: 'Asia/Singapore',
    });
  });

  test('calendar windows are described, with every action, overrides and thresholds', () => {
    const policy = good(`
rules:
  - id: month
    action: block
    match: { team: "*" }
    rateLimit: { metric: estimated_cost_usd, limit: 2000, window: { calendar: month, timezone: Asia/Singapore } }
  - id: week
    action: alert
    rateLimit: { limit: 10, window: { calendar: week } }
    alertAt: [0.5, 1.0]
    overrides: [{ match: { agent: vip }, limit: 20 }]
  - { id: day, action: shadow, per: [], rateLimit: { metric: tokens, limit: 9, window: { calendar: day } } }
  - id: stop
    action: halt
    haltFor: 15m
    rateLimit: { limit: 3, window: { calendar: day, timezone: Africa/Cairo } }
`);
    assert.deepEqual(describePolicy(policy).slice(0, 4), [
      'month: each team may spend 2,000 USD with a team in each calendar month (Asia/Singapore), else the call is blocked; without Redis: deny',
      'week: each agent may make 10 calls in each calendar week (UTC), else it goes on and an alert is raised; make 20 calls where agent is vip; raises at 50%, 100%; without Redis: allow',
      'day: all agents together may use 9 tokens in each calendar day (UTC), else it goes on and is counted as one that block would deny; without Redis: allow',
      'stop: each agent may make 3 calls in each calendar day (Africa/Cairo), else the call is blocked, and the agent halted for 15 min; without Redis: allow',
    ]);
  });

  /** One mistake each: the text, and the only error that it may give. */
  const bad: [string, string, string][] = [
    ['empty', '', '1:1 the file is empty; it needs a list called rules'],
    ['only a comment', '# nothing\n', '1:1 the file is empty; it needs a list called rules'],
    ['a list', '- x\n', '1:1 the file: must be object, received array'],
    ['no rules', 'mode: shadow\n', '1:1 rules: is missing'],
    [
      'broken YAML',
      'rules: [a\n',
      '2:1 Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a key twice',
      rule('rateLimit: { limit: 1, limit: 2, window: 1 }'),
      '4:28 Map keys must be unique',
    ],
    ['unknown top key', 'rules: []\nrulez: []\n', '2:1 rulez: unknown key'],
    ['unknown rule key', rule('limit: 5'), '4:5 rules[0].limit of "r": unknown key'],
    [
      'unknown rateLimit key',
      rule('rateLimit: { limit: 1, window: 1, period: 2 }'),
      '4:39 rules[0].rateLimit.period of "r": unknown key',
    ],
    [
      'unknown match key',
      rule('match: { agnt: x }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:14 rules[0].match.agnt of "r": unknown key; match knows agent, team, costCentre, instance, tool, model, provider, operation, run, rootAgent, depth and labels.NAME',
    ],
    [
      'unknown action',
      'rules:\n  - id: r\n    action: stop\n',
      '3:13 rules[0].action of "r": must be one of "block"|"halt"|"alert"|"shadow"',
    ],
    ['no action', 'rules:\n  - id: r\n', '2:5 rules[0].action of "r": is missing'],
    ['no id', 'rules:\n  - action: block\n', '2:5 rules[0].id: is missing'],
    [
      'bad id',
      'rules:\n  - id: a b\n    action: block\n',
      '2:9 rules[0].id of "a b": must be 1 to 64 letters, digits, dots, dashes or underscores',
    ],
    [
      'an id that stands for no rule',
      'rules:\n  - id: halt\n    action: block\n',
      '2:9 rules[0].id of "halt": must not be halt, unpriced, degraded, none, which stand for no rule in metrics and ledger',
    ],
    [
      'an id twice',
      'rules:\n  - id: r\n    action: block\n  - id: r\n    action: block\n',
      '4:9 rules[1].id of "r": is the id of another rule too',
    ],
    [
      'no limit',
      rule('rateLimit: { window: 1 }'),
      '4:16 rules[0].rateLimit.limit of "r": is missing',
    ],
    [
      'no window',
      rule('rateLimit: { limit: 1 }'),
      '4:16 rules[0].rateLimit.window of "r": is missing',
    ],
    [
      'negative limit',
      rule('rateLimit: { limit: -1, window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must not be negative',
    ],
    [
      'infinite limit',
      rule('rateLimit: { limit: .inf, window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must be a number from 0',
    ],
    [
      'limit no number',
      rule('rateLimit: { limit: .nan, window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must be a number from 0',
    ],
    [
      'limit as text',
      rule('rateLimit: { limit: "5", window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must be a number from 0',
    ],
    [
      'limit with an exponent',
      rule('rateLimit: { limit: 1e3, window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must be a whole number of calls',
    ],
    [
      'half a call',
      rule('rateLimit: { limit: 1.5, window: 1 }'),
      '4:25 rules[0].rateLimit.limit of "r": must be a whole number of calls',
    ],
    [
      'too fine money',
      rule('rateLimit: { metric: estimated_cost_usd, limit: 0.0000000001, window: 1 }'),
      '4:53 rules[0].rateLimit.limit of "r": must be a plain decimal in USD with at most 9 decimals, such as 50.00',
    ],
    [
      'too much money',
      rule('rateLimit: { metric: estimated_cost_usd, limit: 9000000.01, window: 1 }'),
      '4:53 rules[0].rateLimit.limit of "r": must be at most 9000000 USD',
    ],
    [
      'too many tokens',
      rule('rateLimit: { metric: tokens, limit: 9000000000000001, window: 1 }'),
      '4:41 rules[0].rateLimit.limit of "r": must be at most 9000000000000000 tokens',
    ],
    [
      'unknown metric',
      rule('rateLimit: { metric: usd, limit: 1, window: 1 }'),
      '4:26 rules[0].rateLimit.metric of "r": must be one of "calls"|"estimated_cost_usd"|"tokens"|"tokens_in"|"tokens_out"',
    ],
    [
      'no time at all',
      rule('rateLimit: { limit: 1, window: 0 }'),
      '4:36 rules[0].rateLimit.window of "r": must be whole seconds from 1 to 31622400, or a text such as 90s, 15m, 24h, 30d',
    ],
    [
      'half a second',
      rule('rateLimit: { limit: 1, window: 0.5 }'),
      '4:36 rules[0].rateLimit.window of "r": must be whole seconds from 1 to 31622400, or a text such as 90s, 15m, 24h, 30d',
    ],
    [
      'two years',
      rule('rateLimit: { limit: 1, window: 731d }'),
      '4:36 rules[0].rateLimit.window of "r": must be whole seconds from 1 to 31622400, or a text such as 90s, 15m, 24h, 30d',
    ],
    [
      'a list for a window',
      rule('rateLimit: { limit: 1, window: [day] }'),
      '4:36 rules[0].rateLimit.window of "r": must be seconds, a text such as 90s, 15m, 24h, 30d, or a map such as {calendar: day}',
    ],
    [
      'a calendar window without its calendar',
      rule('rateLimit: { limit: 1, window: { timezone: UTC } }'),
      '4:36 rules[0].rateLimit.window.calendar of "r": is missing',
    ],
    [
      'unknown calendar',
      rule('rateLimit: { limit: 1, window: { calendar: year } }'),
      '4:48 rules[0].rateLimit.window.calendar of "r": must be one of "day"|"week"|"month"',
    ],
    [
      'unknown timezone',
      rule('rateLimit: { limit: 1, window: { calendar: day, timezone: Asia/Singapur } }'),
      '4:63 rules[0].rateLimit.window.timezone of "r": must be an IANA timezone, such as Asia/Singapore',
    ],
    [
      'an offset for a timezone',
      rule('rateLimit: { limit: 1, window: { calendar: day, timezone: "+08:00" } }'),
      '4:63 rules[0].rateLimit.window.timezone of "r": must be an IANA timezone, such as Asia/Singapore',
    ],
    [
      'a number for a timezone',
      rule('rateLimit: { limit: 1, window: { calendar: day, timezone: 8 } }'),
      '4:63 rules[0].rateLimit.window.timezone of "r": must be an IANA timezone, such as Asia/Singapore',
    ],
    [
      'unknown window key',
      rule('rateLimit: { limit: 1, window: { calendar: day, zone: UTC } }'),
      '4:53 rules[0].rateLimit.window.zone of "r": unknown key',
    ],
    [
      'a calendar for a halt',
      'rules:\n  - { id: r, action: halt, haltFor: { calendar: day }, rateLimit: { limit: 1, window: 1 } }\n',
      '2:37 rules[0].haltFor of "r": must be seconds, or a text such as 90s, 15m, 24h, 30d',
    ],
    [
      'an empty glob',
      rule('match: { agent: "" }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:21 rules[0].match.agent of "r": "" is an empty glob; leave the field out to match anything',
    ],
    [
      'an empty exclusion',
      rule('match: { agent: ["a", "!"] }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:27 rules[0].match.agent[1] of "r": "!" is an empty glob; leave the field out to match anything',
    ],
    [
      'braces in a glob',
      rule('match: { model: "gpt-{4o,5}" }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:21 rules[0].match.model of "r": "gpt-{4o,5}" is a bad glob: only * and ? are special, write alternatives as a list',
    ],
    [
      'a number for a glob',
      rule('match: { costCentre: 2041 }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:26 rules[0].match.costCentre of "r": must be a glob, or a list of globs (quote numbers)',
    ],
    [
      'a bad depth',
      rule('match: { depth: deep }', 'rateLimit: { limit: 1, window: 1 }'),
      '4:21 rules[0].match.depth of "r": "deep" must be a number or a comparison such as ">5"',
    ],
    [
      'a bad per',
      rule('per: [agents]', 'rateLimit: { limit: 1, window: 1 }'),
      '4:11 rules[0].per[0] of "r": must be one of agent, team, costCentre, instance, tool, model, provider, operation, run, rootAgent, fingerprint or labels.NAME',
    ],
    [
      'a field twice in per',
      rule('per: [agent, agent]', 'rateLimit: { limit: 1, window: 1 }'),
      '4:10 rules[0].per of "r": names a field twice',
    ],
    [
      'alertAt over the limit',
      rule('rateLimit: { limit: 1, window: 1 }', 'alertAt: [1.5]'),
      '5:15 rules[0].alertAt[0] of "r": must be at most 1.0, the whole limit',
    ],
    [
      'alertAt downhill',
      rule('rateLimit: { limit: 1, window: 1 }', 'alertAt: [0.8, 0.5]'),
      '5:14 rules[0].alertAt of "r": must ascend',
    ],
    [
      'alertAt without a limit',
      rule('alertAt: [0.5]'),
      '4:14 rules[0].alertAt of "r": needs a rateLimit in the same rule',
    ],
    [
      'an alert without a limit',
      'rules:\n  - id: r\n    action: alert\n',
      '2:5 rules[0] of "r": an alert rule needs a rateLimit',
    ],
    [
      'a bad override',
      rule(
        'rateLimit: { limit: 1, window: 1 }',
        'overrides: [{ match: { agent: x }, limit: 1.5 }]',
      ),
      '5:47 rules[0].overrides[0].limit of "r": must be a whole number of calls',
    ],
    [
      'a bad domain',
      'domain: "{tool}"\nrules: []\n',
      '1:9 domain: must be a name, or an identity field in braces, such as "{team}"',
    ],
    [
      'a rule that spans domains',
      `domain: "{team}"\n${rule('rateLimit: { limit: 1, window: 1 }')}`,
      '3:5 rules[0] of "r": its windows would span domains: with domain "{team}" every rule\'s per must contain team',
    ],
  ];
  for (const [name, text, expected] of bad) {
    test(`is refused: ${name}`, () => {
      const policy = parsePolicy(text);
      assert.ok('errors' in policy, 'it was accepted');
      assert.deepEqual(
        policy.errors.map(({ line, column, message }) => `${line}:${column} ${message}`),
        [expected],
      );
    });
  }

  test('every mistake of a file is named at once, in its order', () => {
    const policy = parsePolicy(`
rules:
  - id: one
    action: blok
    match: { agnt: x }
  - id: two
    action: block
    per: [agent, agent]
    rateLimit: { limit: 1.5, window: 5y }
  - id: two
    action: block
    rateLimit: { limit: 1.5, window: 1 }
extra: 1
`);
    assert.ok('errors' in policy);
    assert.deepEqual(
      policy.errors.map(({ line }) => line),
      [4, 5, 9, 10, 12, 13],
    );
  });

  test('anchors and aliases mean what they say', () => {
    const policy = good(`
rules:
  - { id: a, action: block, match: { tool: a }, rateLimit: &limit { metric: estimated_cost_usd, limit: 0.1, window: 60 } }
  - { id: b, action: block, match: { tool: b }, rateLimit: *limit }
`);
    assert.equal(policy.rules[1]?.rateLimit?.limit.amount, 100_000_000);
  });

  test('YAML that reads otherwise than it is written is refused', () => {
    const cases: [string, RegExp][] = [
      [rule('match: { agent: ! "internal-*" }'), /^the tag ! means nothing here; quote a "!"$/],
      [rule('match: { agent: !prod "*" }'), /^Unresolved tag; quote a "!"/],
      [`%YAML 1.1\n---\n${rule()}`, /^YAML must be of version 1\.2/],
      [rule('rateLimit: *nowhere'), /^Unresolved alias .*; quote a .* "\*"$/],
    ];
    for (const [text, message] of cases) {
      const policy = parsePolicy(text);
      assert.ok('errors' in policy, text);
      assert.match(policy.errors[0]?.message ?? '', message);
    }
  });

  test('a file in another encoding is refused, by its line', () => {
    const file = writeScratch(scratchFolder(), '');
    writeFileSync(file, Buffer.from(rule('match: { agent: "caf\u00e9" }'), 'latin1'));
    assert.deepEqual(readPolicy(file), {
      errors: [{ line: 4, column: 1, message: 'the line is not valid UTF-8' }],
    });
  });

  test('a file over 1 MiB is refused', () => {
    assert.ok('errors' in parsePolicy(`#${'x'.repeat(1_048_576)}`));
  });
});
