/** The most that the API takes for a text field. */
const MAX_BYTES = 256;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;

/**
 * Anything, an error above all, as the API takes text: well-formed, without control characters, cut at
 * 256 bytes. Never throws: other people's objects may, when they are asked for their text.
 */
export function textOf(value: unknown): string {
  const bytes = Buffer.from(stringOf(value).replace(CONTROL, ' '));
  // As in a stream, the character that the cut goes through is left for later.
  return new TextDecoder().decode(bytes.subarray(0, MAX_BYTES), { stream: true });
}

function stringOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
