import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../../src/', import.meta.url));
const SIDECAR = new URL('../../src/sidecar.js', import.meta.url).href;

/** The files, and the packages, that are loaded with a file: what it imports, but for types and for later. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  found.add(relative(SOURCE, file));
  const text = readFileSync(file, 'utf8');
  for (const [, type, target = ''] of text.matchAll(
    /^(?:import|export) (type )?[^;]*?'([^']+)';/gm,
  )) {
    if (type) continue;
    const next = resolve(dirname(file), target.replace(/js$/, 'ts'));
    if (!target.startsWith('.')) found.add(target);
    else if (!found.has(relative(SOURCE, next)) && existsSync(next)) loadedWith(next, found);
  }
  return found;
}

test('a gate starts without the keeper, the embedded engine and any command but serve', () => {
  const loaded = [...loadedWith(join(SOURCE, 'cli/serve.ts'))];
  for (const needed of ['sidecar.ts', 'guard/guard.ts', 'wire/api.ts', 'ioredis', 'zod']) {
    assert.ok(loaded.includes(needed), `${needed} is loaded at once, as this test understands it`);
  }
  const never =
    /^(keeper\/keeper\.ts|keeper\.ts|client\/|demo\/|simulate\/|js-redis-server$|csv-parse)/;
  assert.deepEqual(
    loaded.filter((name) => never.test(name)),
    [],
  );
});

test('a sidecar is loaded without fetch and WebSocket, which cost 30 ms of CPU', () => {
  const script = `await import('${SIDECAR}');
    console.log(process.moduleLoadList.filter((name) => /undici\\/undici/.test(name)).join());`;
  const args = ['--input-type=module', '--eval', script];
  assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim(), '');
});
