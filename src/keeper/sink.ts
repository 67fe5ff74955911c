import { open } from 'node:fs/promises';
import { MAX_LINE_BYTES } from '../model/ledger-line-parse.js';

/** The value of TOLLGATE_LEDGER_SINK that is no file. */
const STDOUT = 'stdout';

/** Where every entry of the ledger goes as a line of JSON, beside the sums. */
export interface Sink {
  /** Writes whole lines; they are on their way to the disk when it resolves. @throws if they cannot be */
  write(lines: readonly string[]): Promise<void>;
}

/** @param where `stdout`, or a file that is appended to: by one keeper only */
export function openSink(where: string): Sink {
  return { write: where === STDOUT ? writeOut : (lines) => append(where, lines) };
}

function writeOut(lines: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(textOf(lines), (error) => (error ? reject(error) : resolve()));
  });
}

/** Opened anew each time, so that a file that was moved away makes room for a new one. */
async function append(file: string, lines: readonly string[]): Promise<void> {
  const handle = await open(file, 'a+');
  try {
    // What is none, such as /dev/null or a pipe, has no lines of before, and no disk.
    const isFile = (await handle.stat()).isFile();
    if (isFile) await dropTornLine(handle);
    await handle.appendFile(textOf(lines));
    if (isFile) await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** No line is longer. */
const TAIL_BYTES = MAX_LINE_BYTES;

/** A line without its end was cut short by a crash; it is written again with the rest of its batch. */
async function dropTornLine(handle: Awaited<ReturnType<typeof open>>): Promise<void> {
  const { size } = await handle.stat();
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - from);
  await handle.read(tail, 0, tail.length, from);
  const whole = tail.lastIndexOf('\n') + 1;
  if (whole === tail.length) return;
  // No line of ours is so long: it is some other file, of which nothing is taken.
  if (whole === 0 && from > 0) await handle.appendFile('\n');
  else await handle.truncate(from + whole);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
