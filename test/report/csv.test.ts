import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'csv-parse/sync';
import { csvRow } from '../../src/report/csv.js';

test('what a spreadsheet would run is text there; numbers and other names stay as they are', () => {
  const formulas = [
    ...["=cmd|' /C calc'!A0", '+1+cmd', '@SUM(1+1)', '-2+3+cmd', '\tx', '\r=1', '-', '=1,"2"'],
  ];
  const plain = ['-0.5', '12', '-3', 'a-b', 'x=1', '', 'two\nlines', 'a "quoted" name', 7, -7];
  const [read = []] = parse(csvRow([...formulas, ...plain]), { relax_column_count: true });
  assert.deepEqual(read, [...formulas.map((text) => `'${text}`), ...plain.map(String)]);
});
