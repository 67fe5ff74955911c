import type { Style } from './style.js';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** Is cut where the terminal is too narrow: names. */
  readonly cut?: boolean;
  /** Is cut to no less than so many columns; else {@link LEAST_CUT}. */
  readonly least?: number;
  /** Is left out where the terminal is too narrow all the same; the lowest first. */
  readonly drop?: number;
  /** Applied to the cells once they are padded. */
  readonly paint?: (padded: string, row: number) => string;
}

/** No name is cut to less: what is left must still tell names apart. */
const LEAST_CUT = 16;
/** But where nothing is left to leave out: better than lines that the terminal breaks. */
const LEAST_OF_ALL = 6;

/** What stands between two columns. */
const GAP = '  ';

interface Used {
  readonly column: Column;
  readonly cells: readonly string[];
}

/** Aligned lines: the titles, then the rows. Columns without a word in any row are left out. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string[] {
  let used: Used[] = columns
    .map((column, at) => ({ column, cells: rows.map((row) => plain(row[at] ?? '')) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  let widths = fit(used, style.columns);
  while (widths === undefined) {
    const least = Math.min(...used.map(({ column }) => column.drop ?? Number.POSITIVE_INFINITY));
    const rest = used.filter(({ column }) => column.drop !== least);
    widths =
      rest.length < used.length
        ? fit(rest, style.columns)
        : (fit(used, style.columns, LEAST_OF_ALL) ?? fit(used, undefined));
    used = rest;
  }
  const line = (cell: (at: number) => string, paint: (at: number, padded: string) => string) =>
    used
      .map(({ column }, at) => paint(at, pad(cell(at), widths?.[at] ?? 0, column.right === true)))
      .join(GAP)
      .replace(/ +$/, '');
  return [
    line(
      (at) => used[at]?.column.title ?? '',
      (_, padded) => style.dim(padded),
    ),
    ...rows.map((_, row) =>
      line(
        (at) => used[at]?.cells[row] ?? '',
        (at, padded) => used[at]?.column.paint?.(padded, row) ?? padded,
      ),
    ),
  ];
}

/** The widths of columns: the widest names give way. @returns undefined if the lines do not fit */
function fit(
  used: readonly Used[],
  columns: number | undefined,
  atMost = Number.POSITIVE_INFINITY,
): number[] | undefined {
  const widths = used.map(({ column, cells }) =>
    Math.max(widthOf(column.title), ...cells.map(widthOf)),
  );
  const line = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  for (let over = columns === undefined ? 0 : line - columns; over > 0; over -= 1) {
    let widest: number | undefined;
    for (const [at, width] of widths.entries()) {
      const column = used[at]?.column;
      if (!column?.cut || width <= Math.min(atMost, column.least ?? LEAST_CUT)) continue;
      if (widest === undefined || width > (widths[widest] ?? 0)) widest = at;
    }
    if (widest === undefined) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function pad(cell: string, width: number, right: boolean): string {
  const shown = widthOf(cell) > width ? clip(cell, width) : cell;
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return right ? space + shown : shown + space;
}

/** Control characters, those that turn the direction of what follows, and line ends of Unicode. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A text that changes no more of a terminal than its own columns. */
function plain(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}

/** The text in at most so many columns, with an ellipsis where it is cut. */
export function clip(text: string, width: number): string {
  let shown = '';
  for (const character of text) {
    if (widthOf(shown + character) > width - 1) return `${shown}…`;
    shown += character;
  }
  return shown;
}

/** Characters that take two columns of a terminal: most of East Asia, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
/** Characters that take none. */
const ZERO = /\p{Mark}|\u200d|\ufe0f/u;
const ASCII = /^[\u0020-\u007e]*$/;

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : ZERO.test(character) ? 0 : 1;
  return width;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/** Wide enough to tell 5% from 6%. */
const BAR_COLUMNS = 16;

/** A bar for a share of the largest, to an eighth of a column. */
export function bar(share: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * BAR_COLUMNS * 8);
  if (eighths === 0) return share > 0 ? '▏' : '';
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** A text in lines of at most so many columns, broken between words. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of plain(text).split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
