import { MAX_LINE_BYTES } from '../model/ledger-line-parse.js';

const NEWLINE = 10;

/** One line of a file. */
export interface FileLine {
  readonly text: string;
  /** The byte at which it begins. */
  readonly at: number;
}

/** Lines, of which one that is too long is cut: a file that is none must not fill the memory. @param at of the first */
export async function* readLines(input: AsyncIterable<Buffer>, at = 0): AsyncGenerator<FileLine> {
  let parts: Buffer[] = [];
  let kept = 0;
  let begin = at;
  let end = at;
  const take = (part: Buffer) => {
    end += part.length;
    if (kept > MAX_LINE_BYTES) return;
    parts.push(part);
    kept += part.length;
  };
  const line = (): FileLine => {
    const text = Buffer.concat(parts).toString('utf8', 0, MAX_LINE_BYTES + 1);
    const whole = { text, at: begin };
    [parts, kept, begin] = [[], 0, end];
    return whole;
  };
  for await (const chunk of input) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, to));
      end += 1;
      yield line();
      from = to + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (kept > 0) yield line();
}
