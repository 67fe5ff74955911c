/** How words stand out on a terminal; plain text elsewhere. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  /** Columns of the terminal; undefined where lines may be of any length. */
  readonly columns: number | undefined;
}

const same = (text: string) => text;

export const PLAIN: Style = {
  bold: same,
  dim: same,
  red: same,
  green: same,
  columns: undefined,
};

/** Standard colours only, so that they follow the terminal's own. */
export function ansi(columns: number | undefined): Style {
  const wrap = (on: number, off: number) => (text: string) =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), green: wrap(32, 39), columns };
}

/** The style for a stream: colour on a terminal only, and not where the person wants none. */
export function styleFor(
  stream: { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  if (!stream.isTTY) return PLAIN;
  const plain = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  return plain ? { ...PLAIN, columns: stream.columns } : ansi(stream.columns);
}
