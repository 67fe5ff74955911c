import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePolicy } from '../../src/policy/parse.js';
import { LUA_FOLDER, loadScripts, withoutShebang } from '../../src/redis/scripts.js';
import { SETTINGS } from '../../src/settings.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { drifted } from '../tools/generate.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Floors from the top down; a file imports from its own floor's folder or from floors below. */
const FLOORS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['cli'],
  ['sidecar.ts'],
  ['keeper.ts'],
  ['gate.ts'],
  ['settings.ts'],
  ['demo'],
  ['client'],
  ['wire'],
  ['keeper'],
  ['simulate'],
  ['guard'],
  ['report'],
  ['policy'],
  ['pricing'],
  ['store'],
  ['redis'],
  ['telemetry'],
  ['model'],
];

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(join(ROOT, 'src'), join(entry.parentPath, entry.name)));

function floorOf(file: string): number {
  const top = file.split('/')[0] ?? '';
  return FLOORS.findIndex((names) => names.includes(top));
}

test('imports go down, or sideways inside a folder, never up', () => {
  assert.ok(sources.length > 30);
  for (const file of sources) {
    assert.ok(floorOf(file) >= 0, `${file} is on no floor`);
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:from |import\()'(\.[^']*)'/g)) {
      const imported = relative(
        join(ROOT, 'src'),
        resolve(join(ROOT, 'src'), dirname(file), target.replace(/js$/, 'ts')),
      );
      const down = floorOf(imported) > floorOf(file);
      const sideways = dirname(imported).split('/')[0] === dirname(file).split('/')[0];
      assert.ok(down || sideways, `src/${file} imports ${imported}, which is above it`);
    }
  }
});

test('ioredis is behind src/redis, grpc behind src/wire and the clients', () => {
  for (const file of sources) {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    if (/from 'ioredis'/.test(text)) assert.match(file, /^redis\//);
    if (/from '@grpc\//.test(text)) assert.match(file, /^(wire|client|cli)\//);
  }
});

test('a file has one job: none is over 300 lines, and no barrel, util or helper', () => {
  for (const file of sources.filter((name) => !name.includes('generated/'))) {
    assert.doesNotMatch(file, /(^|\/)(index|utils?|helpers?|common)\.ts$/);
    const lines = readFileSync(join(ROOT, 'src', file), 'utf8').split('\n').length;
    assert.ok(lines <= 300, `src/${file} has ${lines} lines`);
  }
});

test('what is generated is what its source gives', () => {
  assert.deepEqual(drifted(), []);
});

test("the README's table of settings is that of the code", () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const rows = Object.entries(SETTINGS).map(
    ([name, { default: value, why }]) =>
      `| \`${name}\` | ${value ? `\`${value}\`` : ''} | ${why} |`,
  );
  for (const row of rows) assert.ok(readme.includes(row), `README.md lacks: ${row}`);
  const named = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(named, Object.keys(SETTINGS));
});

test("the README's examples are those of the clients' own, which their tests run", () => {
  const firstOf = (document: string, language: string) =>
    new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(
      readFileSync(join(ROOT, document), 'utf8'),
    )?.[1];
  for (const [language, client] of [
    ['ts', 'src/client/README.md'],
    ['python', 'src/client/python/README.md'],
  ] as const) {
    const example = firstOf('README.md', language);
    assert.ok(example && example.split('\n').length <= 13, language);
    assert.equal(example, firstOf(client, language));
  }
});

test("the README's policies are good ones", () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const policies = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(
    ([, text]) => text ?? '',
  );
  assert.ok(policies.length > 0);
  for (const text of policies) assert.ok('hash' in parsePolicy(text), text);
});

test('the READMEs of src and test say what each folder is for', () => {
  for (const parent of ['src', 'test']) {
    const text = readFileSync(join(ROOT, parent, 'README.md'), 'utf8');
    for (const entry of readdirSync(join(ROOT, parent), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      assert.ok(text.includes(`${entry.name}/`), `${parent}/README.md lacks ${entry.name}/`);
    }
  }
});

test('every link of a README leads somewhere', () => {
  const documents = [
    'README.md',
    'src/README.md',
    'src/client/README.md',
    'src/client/python/README.md',
    'k8s/RUNBOOK.md',
    'k8s/SECURITY.md',
    'lua/README.md',
    'test/README.md',
    'test/bench/README.md',
  ];
  for (const document of documents) {
    const text = readFileSync(join(ROOT, document), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      assert.ok(
        existsSync(join(ROOT, dirname(document), target)),
        `${document} links to ${target}`,
      );
    }
  }
});

test('every metric has a help text, and a name by the rules of Prometheus', async () => {
  for (const { name, help, type } of await createMetrics().registry.getMetricsAsJSON()) {
    assert.ok(help.length > 0, name);
    if (!name.startsWith('tollgate_')) continue;
    assert.match(name, /^tollgate_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), String(type) === 'counter', name);
  }
});

test('a script begins with its shebang and its contract, and makes no key name', () => {
  for (const [name, script] of Object.entries(loadScripts())) {
    const text = readFileSync(join(LUA_FOLDER, `${name}.lua`), 'utf8');
    assert.match(text, /^#!lua.*\n--\[\[\n/, name);
    for (const word of ['Guarantee', 'KEYS', 'ARGV'])
      assert.ok(text.includes(word), `${name}: ${word}`);
    assert.doesNotMatch(script, /@include/, 'every include is put in');
    assert.doesNotMatch(script, /'tg:|"tg:/, 'keys come from outside');
    assert.doesNotMatch(withoutShebang(script), /^#!/);
  }
});

const NO_LUACHECK: string | false = (() => {
  try {
    execFileSync('luacheck', ['--version']);
    return false;
  } catch {
    if (process.env['CI']) throw new Error('luacheck is missing, and CI skips nothing');
    return 'luacheck is not installed (apt-get install lua-check)';
  }
})();

test('luacheck finds nothing in the scripts', { skip: NO_LUACHECK }, () => {
  for (const script of Object.values(loadScripts())) {
    execFileSync(
      'luacheck',
      [
        '--std',
        'lua51',
        '--read-globals',
        'redis',
        'KEYS',
        'ARGV',
        'struct',
        'cmsgpack',
        'cjson',
        '--no-unused-secondaries',
        '--max-line-length',
        '120',
        '-q',
        '-',
      ],
      { input: withoutShebang(script), encoding: 'utf8' },
    );
  }
});
