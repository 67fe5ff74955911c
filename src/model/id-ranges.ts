import { compareIds } from './entry.js';

/** Ids of entries from one to another, both included. */
export interface IdRange {
  readonly from: string;
  readonly to: string;
}

export function isIn(ranges: readonly IdRange[], id: string): boolean {
  return ranges.some(({ from, to }) => compareIds(from, id) <= 0 && compareIds(id, to) <= 0);
}

/** Is it inside one of them, and none of its ends? */
export function isBetween(ranges: readonly IdRange[], id: string): boolean {
  return ranges.some(({ from, to }) => compareIds(from, id) < 0 && compareIds(id, to) < 0);
}

/** The ranges, ascending, with one more; those that touch it become one with it. */
export function withRange(ranges: readonly IdRange[], more: IdRange): IdRange[] {
  let { from, to } = more;
  const apart: IdRange[] = [];
  for (const range of ranges) {
    if (compareIds(range.to, from) < 0 || compareIds(to, range.from) < 0) {
      apart.push(range);
      continue;
    }
    if (compareIds(range.from, from) < 0) from = range.from;
    if (compareIds(to, range.to) < 0) to = range.to;
  }
  return [...apart, { from, to }].sort((a, b) => compareIds(a.from, b.from));
}

/** As text: `1-0>5-0 8-0>9-3`. */
export function formatRanges(ranges: readonly IdRange[]): string {
  return ranges.map(({ from, to }) => `${from}>${to}`).join(' ');
}

/** The ranges that {@link formatRanges} has written. */
export function parseRanges(text: string): IdRange[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((range) => {
      const [from = '', to = ''] = range.split('>');
      return { from, to };
    });
}
