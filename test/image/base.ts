import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Of Debian's packages beside the essential ones: what Node is linked with. */
const BESIDE_ESSENTIAL = ['libstdc++6'];

/** What an image of Debian leaves out, and what belongs to this machine alone. */
const LEFT_OUT =
  /^\/(usr\/share\/(man|info|locale|lintian|bug)|boot)\/|^\/usr\/share\/doc\/.*(?<!\/copyright)$/;

/** Where Debian 12 and newer keep what was in the root. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * Fills a folder with what stands for node:VERSION-bookworm-slim: the files of the essential packages of the
 * Debian that the test runs on, npm of this machine, and the real Node of that version, which npm's package
 * `node` carries. So the Dockerfile builds without an image from anywhere.
 */
export function fillNodeBase(folder: string, version: string): void {
  for (const name of MERGED) {
    mkdirSync(join(folder, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(folder, name));
  }
  const packages = withDependencies();
  copyFiles(filesOf(packages), folder);
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'run', 'root', 'etc', 'var/tmp']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  chmodSync(join(folder, 'tmp'), 0o1777);
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\n');
  keepDatabase(packages, folder);
  const node = execFileSync(
    'npm',
    [
      'exec',
      '--yes',
      '--prefer-offline',
      `--package=node@${version}`,
      '--',
      'node',
      '-p',
      'process.execPath',
    ],
    { encoding: 'utf8' },
  ).trim();
  const local = join(folder, 'usr/local');
  mkdirSync(join(local, 'bin'), { recursive: true });
  cpSync(realpathSync(node), join(local, 'bin/node'));
  // The archive that the real image unpacks has its licence beside it; the package of npm has none.
  writeFileSync(join(local, 'LICENSE'), 'The licence of Node.js is here in the real image.\n');
  copyNpm(local);
}

/** npm of this machine, at the place where the real image has its own. */
function copyNpm(local: string): void {
  const command = realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim());
  const npm = join(local, 'lib/node_modules/npm');
  mkdirSync(dirname(npm), { recursive: true });
  cpSync(join(dirname(command), '..'), npm, { recursive: true });
  for (const name of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name));
  }
}

/** The essential packages and what they need, as far as they are installed. */
function withDependencies(): string[] {
  const fields = ['Package', 'Essential', 'Pre-Depends', 'Depends'];
  const format = `${fields.map((field) => `$\{${field}}`).join('\\t')}\\n`;
  const rows = execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8' }).split('\n');
  const needs = new Map<string, string[]>();
  const wanted = [...BESIDE_ESSENTIAL];
  for (const row of rows) {
    const [name = '', essential, ...depends] = row.split('\t');
    // The first of the alternatives.
    needs.set(
      name,
      depends
        .join(',')
        .split(',')
        .map((need) => need.trim().split(/[\s:]/)[0] ?? ''),
    );
    if (essential === 'yes') wanted.push(name);
  }
  const found = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (name === '' || found.has(name) || !needs.has(name)) continue;
    found.add(name);
    wanted.push(...(needs.get(name) ?? []));
  }
  return [...found];
}

function filesOf(packages: readonly string[]): string[] {
  return execFileSync('dpkg-query', ['-L', ...packages], { encoding: 'utf8', maxBuffer: 1e8 })
    .split('\n')
    .filter((file) => file.startsWith('/') && !LEFT_OUT.test(file));
}

/** By tar, which keeps links and modes; folders are made on the way, so that the merged ones stay links. */
function copyFiles(files: readonly string[], folder: string): void {
  const packed = 'tar -c -C / --null --no-recursion --ignore-failed-read --files-from=-';
  const unpacked = 'tar -x --keep-directory-symlink -C "$0"';
  execFileSync('sh', ['-c', `${packed} 2>/dev/null | ${unpacked}`, folder], {
    input: [...new Set(files)].map((file) => `.${file}`).join('\0'),
  });
}

/** dpkg's own account of those packages: what is installed, and which file is whose. */
function keepDatabase(packages: readonly string[], folder: string): void {
  const dpkg = join(folder, 'var/lib/dpkg');
  mkdirSync(join(dpkg, 'info'), { recursive: true });
  mkdirSync(join(dpkg, 'updates'), { recursive: true });
  writeFileSync(join(dpkg, 'status'), execFileSync('dpkg-query', ['-s', ...packages]));
  const machine = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const lists = packages.flatMap((name) => [`${name}.list`, `${name}:${machine}.list`]);
  // The first says how the others are named.
  for (const name of ['format', ...lists]) {
    const list = join('/var/lib/dpkg/info', name);
    if (existsSync(list)) cpSync(list, join(dpkg, 'info', name));
  }
}
