import type { Style } from './style.js';
import { widthOf, wrap } from './table.js';

/** A long line is hard to read: sentences take no more where the terminal does not say how wide it is. */
const MAX_COLUMNS = 100;

/** Sentences in lines that can be read. */
export function paragraph(text: string, { columns }: Style): string[] {
  return wrap(text, Math.min(MAX_COLUMNS, columns ?? MAX_COLUMNS));
}

/** A line that is whole where it may be of any length, so that programs find it: a note. */
export function note(text: string, { columns }: Style): string[] {
  return wrap(text, columns ?? Number.POSITIVE_INFINITY);
}

/** What an answer is about and, on the same line if there is room, beside what. */
export function heading(title: string, beside: string, style: Style): string[] {
  const head = note(title, style);
  const rest = beside === '' ? [] : note(`(${beside})`, style);
  const fits = widthOf(title) + 1 + widthOf(rest[0] ?? '') <= (style.columns ?? Infinity);
  const [bold, dim] = [head.map(style.bold), rest.map(style.dim)];
  return fits && head.length === 1 && rest.length === 1
    ? [`${bold[0]} ${dim[0]}`]
    : [...bold, ...dim];
}
