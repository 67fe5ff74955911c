import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePolicy } from '../../src/policy/parse.js';

const policyWith = (...routes: string[]) =>
  parsePolicy(`rules: []\nalerts:\n${routes.map((route) => `  - ${route}\n`).join('')}`);

describe('alert routes', () => {
  test('want what they name, and all of it where they name nothing', () => {
    const policy = policyWith(
      '{ name: all, format: json, url: { env: HOOK } }',
      '{ name: some, format: slack, url: { file: /run/hook }, on: [halted], match: { team: ops-*, rule: "!loop" } }',
    );
    if ('errors' in policy) assert.fail(JSON.stringify(policy.errors));
    const wanted = (event: 'denied' | 'halted', team: string, rule: string) =>
      policy.alerts
        .filter((route) => route.wants({ event, agent: 'a', team, rule }))
        .map(({ name }) => name);
    assert.deepEqual(wanted('halted', 'ops-1', 'cap'), ['all', 'some']);
    assert.deepEqual(wanted('denied', 'ops-1', 'cap'), ['all']);
    assert.deepEqual(wanted('halted', 'dev', 'cap'), ['all']);
    assert.deepEqual(wanted('halted', 'ops-1', 'loop'), ['all']);
    // A halt by a person is of no rule.
    assert.deepEqual(wanted('halted', 'ops-1', ''), ['all', 'some']);
  });

  test('every mistake, with its place', () => {
    const cases: [string, string[], string][] = [
      [
        'a URL in the policy',
        ['{ name: a, format: json, url: "https://hooks.example" }'],
        '3:35 alerts[0].url: must be a map such as {env: SLACK_URL} or {file: /run/secrets/slack-url}: the file of the policy is no place for secrets',
      ],
      [
        'a name twice',
        [
          '{ name: a, format: json, url: { env: A } }',
          '{ name: a, format: json, url: { env: B } }',
        ],
        '4:13 alerts[1].name: another route is called "a"',
      ],
      [
        'an unknown event',
        ['{ name: a, format: json, url: { env: A }, on: [blocked] }'],
        '3:52 alerts[0].on[0]: must be one of "denied"|"halted"|"threshold"',
      ],
      [
        'a relative file',
        ['{ name: a, format: json, url: { file: hook } }'],
        '3:43 alerts[0].url.file: must be an absolute path',
      ],
      [
        'two places of a URL',
        ['{ name: a, format: json, url: { env: A, file: /x } }'],
        '3:35 alerts[0].url: must have env or file, one of them',
      ],
      [
        'a bad glob',
        ['{ name: a, format: json, url: { env: A }, match: { agent: "[" } }'],
        '3:63 alerts[0].match.agent: "[" is a bad glob: only * and ? are special, write alternatives as a list',
      ],
    ];
    for (const [what, routes, error] of cases) {
      const policy = policyWith(...routes);
      assert.ok('errors' in policy, what);
      const found = policy.errors.map(
        ({ line, column, message }) => `${line}:${column} ${message}`,
      );
      assert.deepEqual(found, [error], what);
    }
  });
});
