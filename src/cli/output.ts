import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

/** Where the text of an export goes. */
export interface Output {
  write(text: string): Promise<void>;
  /** All is written: a file appears under its name. */
  finish(): Promise<void>;
  /** It ended early: of a file nothing stays. */
  abandon(): Promise<void>;
}

/** A file, which appears under its name once it is whole; or standard output, without a name. */
export function openOutput(file: string | undefined): Output {
  return file === undefined ? standardOutput() : fileOutput(file);
}

function fileOutput(file: string): Output {
  const unfinished = `${file}.${process.pid}.part`;
  const stream = createWriteStream(unfinished);
  const failed = finished(stream);
  // Looked at when it is finished; a full disk must not end the process from outside.
  failed.catch(() => {});
  return {
    async write(text) {
      if (!stream.write(text)) await Promise.race([once(stream, 'drain'), failed]);
    },
    async finish() {
      stream.end();
      await failed;
      await rename(unfinished, file);
    },
    async abandon() {
      stream.destroy();
      await failed.catch(() => {});
      await rm(unfinished, { force: true });
    },
  };
}

function standardOutput(): Output {
  // A reader that has seen enough, such as head, is no mistake.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
    async finish() {},
    async abandon() {},
  };
}
