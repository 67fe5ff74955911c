import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A folder that goes when the tests of this file are done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let files = 0;

/** Writes a file into the folder under a name of its own. */
export function writeScratch(folder: string, text: string, name = `file-${files++}`): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
