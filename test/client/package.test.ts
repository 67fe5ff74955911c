import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('the package has what it exports, and what it says of that', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  const paths = new Set(files.map(({ path }) => path));
  for (const path of [
    'README.md',
    'LICENSE',
    'dist/src/main.js',
    'dist/src/client/gate.js',
    'dist/src/client/gate.d.ts',
    'src/client/README.md',
    'proto/tollgate/v1/tollgate.proto',
    'lua/authorize.lua',
  ]) {
    assert.ok(paths.has(path), path);
  }
});
