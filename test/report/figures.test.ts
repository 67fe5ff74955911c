import assert from 'node:assert/strict';
import { test } from 'node:test';
import { change, exactUsd, percent, roundUsd, times, usd } from '../../src/report/figures.js';
import { ansi, PLAIN, styleFor } from '../../src/report/style.js';
import { bar, clip, table, widthOf, wrap } from '../../src/report/table.js';

test('money is exact for programs and short for people', () => {
  const cases: [bigint, string, string][] = [
    [0n, '0', '$0.00'],
    [1n, '0.000000001', '$0.0000'],
    [4_300_000n, '0.0043', '$0.0043'],
    [52_300_000n, '0.0523', '$0.0523'],
    [995_000_000n, '0.995', '$1.00'],
    [12_345_678_901n, '12.345678901', '$12.35'],
    [-12_345_678_901n, '-12.345678901', '-$12.35'],
    [1_234_567_890_123_456_789n, '1234567890.123456789', '$1,234,567,890'],
  ];
  for (const [nano, exact, round] of cases) {
    assert.deepEqual([exactUsd(nano), roundUsd(nano)], [exact, round]);
  }
  assert.equal(usd(-4n, 2), '$0.00', 'no minus before nothing');
});

test('shares, changes and multiples say no more than they know', () => {
  assert.deepEqual([0, 0.0001, 0.5, 0.99999, 1].map(percent), [
    '0.0%',
    '<0.1%',
    '50.0%',
    '>99.9%',
    '100.0%',
  ]);
  const changes: [bigint, bigint, string][] = [
    [0n, 0n, ''],
    [5n, 0n, 'from 0'],
    [0n, 5n, '-100%'],
    [812n, 198n, '+310%'],
    [103n, 100n, '+3.0%'],
    [50n, 100n, '-50%'],
    [100n, 100n, '0.0%'],
    [50_000n, 100n, '500x'],
    [317_461_000n, 1_000n, '317,461x'],
    [99_999n, 100_000n, '0.0%'],
  ];
  for (const [now, before, text] of changes) assert.equal(change(now, before), text);
  assert.deepEqual([4.1, 12.2, 0.5, 0.05, Number.POSITIVE_INFINITY].map(times), [
    '4.1x',
    '12x',
    '0.5x',
    '0.05x',
    'many times',
  ]);
});

const COLUMNS = [
  { title: 'agent', cut: true },
  { title: 'spend', right: true },
  { title: 'bar', drop: 1 },
  { title: 'empty' },
];
const ROWS = [
  ['customer-support-for-the-whole-world', '$1,204.00', bar(1), ''],
  ['客服', '$9.10', bar(0.0001), ''],
];

test('a table is aligned, also with wide characters, and leaves empty columns out', () => {
  assert.deepEqual(table(COLUMNS, ROWS, PLAIN), [
    'agent                                     spend  bar',
    'customer-support-for-the-whole-world  $1,204.00  ████████████████',
    '客服                                      $9.10  ▏',
  ]);
});

test('on a narrow terminal names are cut first, then columns are left out', () => {
  assert.deepEqual(table(COLUMNS, ROWS, { ...PLAIN, columns: 45 }), [
    'agent                 spend  bar',
    'customer-suppor…  $1,204.00  ████████████████',
    '客服                  $9.10  ▏',
  ]);
  assert.deepEqual(table(COLUMNS, ROWS, { ...PLAIN, columns: 30 }), [
    'agent                    spend',
    'customer-support-f…  $1,204.00',
    '客服                     $9.10',
  ]);
  const [, narrow] = table(COLUMNS, ROWS, { ...PLAIN, columns: 20 });
  assert.equal(narrow, 'customer…  $1,204.00', 'where no column is left to leave out, further');
  assert.equal(table(COLUMNS, ROWS, { ...PLAIN, columns: 5 }).length, 3, 'too narrow for all');
});

test('a name changes nothing on a terminal but its own columns', () => {
  const [, row] = table([{ title: 'agent' }, { title: 'n' }], [['a\u202eb\u001b[31m', '1']], PLAIN);
  assert.equal(row, 'a\ufffdb\ufffd[31m  1');
  assert.deepEqual(wrap('by\u202e ann\nnoted', 20), ['by\ufffd ann\ufffdnoted']);
});

test('bars tell eighths, texts break between words, and no character is cut in two', () => {
  assert.deepEqual([0, 0.0001, 1 / 128, 0.5, 2].map(bar).map(widthOf), [0, 1, 1, 8, 16]);
  assert.deepEqual(wrap('one two three', 8), ['one two', 'three']);
  assert.equal(clip('客服客服', 4), '客…');
  assert.equal(widthOf('e\u0301 👍'), 4);
});

test('colour is for terminals, and for those who want it', () => {
  const tty = { isTTY: true, columns: 80 };
  assert.equal(styleFor({}, {}), PLAIN);
  assert.equal(styleFor(tty, {}).red('x'), '\u001b[31mx\u001b[39m');
  assert.equal(styleFor(tty, { NO_COLOR: '1' }).red('x'), 'x');
  assert.equal(styleFor(tty, { TERM: 'dumb' }).red('x'), 'x');
  assert.equal(styleFor(tty, { NO_COLOR: '1' }).columns, 80);
  const [head] = table(COLUMNS, ROWS, ansi(undefined));
  assert.ok(head?.startsWith('\u001b[2magent'));
});
