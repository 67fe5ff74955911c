/** The most bytes of a name: long enough for every id that anyone has, short enough for a key. */
export const MAX_TEXT_BYTES = 256;

/** Control characters of ASCII and Latin-1; they have no place in a key, a log or a sentence. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** The decoder puts this for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** What is wrong with a text; undefined if nothing is. */
export function textProblem(text: string, maxBytes: number): string | undefined {
  if (text === '') return undefined;
  // A UTF-16 unit is at most three bytes, so a short text needs no count.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    return `is over ${maxBytes} bytes`;
  }
  if (CONTROL.test(text)) return 'has a control character';
  if (text.includes(REPLACEMENT)) return 'is not valid UTF-8';
  return undefined;
}
