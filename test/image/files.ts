import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join, relative } from 'node:path';

/** One file or folder of a root file system. */
export interface FileThere {
  /** From the root, without the first slash; '' is the root itself. */
  readonly path: string;
  readonly stat: Stats;
}

/** Everything in a folder, and itself; links are not followed. */
export function filesIn(folder: string, from = folder): FileThere[] {
  const here = { path: relative(from, folder), stat: lstatSync(folder) };
  const inside = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path, from);
    return [{ path: relative(from, path), stat: lstatSync(path) }];
  });
  return [here, ...inside];
}

/** A line for each, which differs once one is written, made, moved, removed or given to another. */
export function fingerprint(files: readonly FileThere[]): string[] {
  return files.map(({ path, stat: { mode, uid, gid, size, mtimeMs, ctimeMs } }) =>
    [path, mode, uid, gid, size, mtimeMs, ctimeMs].join(' '),
  );
}
