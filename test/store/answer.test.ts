import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureFrom, parseAnswer } from '../../src/store/answer.js';

test('an error of Redis itself ran nothing; a lost connection or a failed script may have', () => {
  const cases: [string, string, boolean][] = [
    ["OOM command not allowed when used memory > 'maxmemory'.", 'oom', false],
    ['LOADING Redis is loading the dataset in memory', 'loading', false],
    ["READONLY You can't write against a read only replica.", 'readonly', false],
    ['MISCONF Redis is configured to save RDB snapshots, but it is unable to', 'misconf', false],
    ['NOREPLICAS Not enough good replicas to write.', 'noreplicas', false],
    ['BUSY Redis is busy running a script.', 'busy', false],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'denied', false],
    [
      "ERR The user executing the script can't run this command or subcommand script: 06",
      'denied',
      true,
    ],
    ['CLUSTERDOWN The cluster is down', 'unavailable', false],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'unavailable', false],
    ["Stream isn't writeable and enableOfflineQueue options is false", 'unavailable', false],
    ['ERR Error running script', 'error', true],
    ['Connection is closed.', 'unavailable', true],
    ['read ECONNRESET', 'unavailable', true],
    ['Socket timeout. Expecting data, but did not receive any in 2000ms.', 'unavailable', true],
  ];
  for (const [message, failed, mayHaveRun] of cases) {
    assert.deepEqual(failureFrom(new Error(message)), { failed, mayHaveRun }, message);
  }
});

test('a reply is read as the script wrote it, and what is none is refused', () => {
  assert.deepEqual(
    parseAnswer([
      ...[0, 1_790_000_000_000_000, 0, 5, 6, 7, 2],
      ...[50, 60_000_000, 61_000_000, 1, 4, 10],
      ...[7, -1, 0, 2, 0, 0],
    ]),
    {
      code: 'denied',
      nowUs: 1_790_000_000_000_000,
      repeats: 0,
      held: { costNano: 5, costSource: 'table', tokensIn: 6, tokensOut: 7 },
      halt: undefined,
      windows: [
        {
          used: 50,
          retryAfterUs: 60_000_000,
          resetAfterUs: 61_000_000,
          denied: true,
          shadowDenied: false,
          raised: 4,
          granted: 10,
        },
        {
          used: 7,
          retryAfterUs: undefined,
          resetAfterUs: 0,
          denied: false,
          shadowDenied: true,
          raised: 0,
          granted: 0,
        },
      ],
    },
  );
  assert.throws(() => parseAnswer([17, 1, 0]), /reply code 17/);
  assert.throws(() => parseAnswer([]), /reply code -1/);
});
