import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const CLIENT = join(ROOT, 'src', 'client', 'python');
const TESTS = join(ROOT, 'test', 'client', 'python');
const PYTHON = '/usr/bin/python3';

const OPTIONS = {
  encoding: 'utf8',
  env: {
    PATH: process.env['PATH'],
    NODE: process.execPath,
    PYTHONPATH: [CLIENT, TESTS].join(':'),
    MYPYPATH: [CLIENT, TESTS].join(':'),
    PYTHONDONTWRITEBYTECODE: '1',
  },
  timeout: 80_000,
} as const;

/** Python's own output for the tests of one module, a check of its types, and so on. */
function python(args: readonly string[], cwd: string): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(PYTHON, args, { ...OPTIONS, cwd }, (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        output: `${stdout}${stderr}${error?.signal ?? error?.code ?? ''}`,
      }),
    );
  });
}

function works(...args: string[]): boolean {
  return spawnSync(PYTHON, args, OPTIONS).status === 0;
}

/** Why something cannot run here, false if it can. In CI nothing is skipped. */
function missing(packages: string, isThere: () => boolean): string | false {
  if (isThere()) return false;
  const lack = `apt-get install ${packages}`;
  if (process.env['CI']) throw new Error(`CI skips nothing: ${lack}`);
  return lack;
}

const NO_GRPC = missing('python3-grpcio python3-protobuf', () =>
  works('-c', 'import grpc, google.protobuf'),
);
const NO_MYPY = missing('mypy', () => works('-m', 'mypy', '--version'));
const NO_PROTOC = missing('protobuf-compiler protobuf-compiler-grpc libprotobuf-dev', () => {
  const { status } = spawnSync('sh', ['-c', 'command -v protoc && command -v grpc_python_plugin']);
  return status === 0;
});

const modules = readdirSync(TESTS).filter((name) => /^test_\w+\.py$/.test(name));

test('its package has the license of the project', () => {
  const [own, project] = [CLIENT, ROOT].map((folder) =>
    readFileSync(join(folder, 'LICENSE'), 'utf8'),
  );
  assert.equal(own, project);
});

test('there are tests of the client for Python', () => {
  assert.ok(modules.length > 7, String(modules));
});

// At once, since most of them wait most of the time.
describe('the client for Python', { concurrency: 4, skip: NO_GRPC }, () => {
  for (const module of modules) {
    test(module, async () => {
      const { ok, output } = await python(['-m', 'unittest', module.replace('.py', '')], TESTS);
      assert.ok(ok, output);
      assert.match(output, /^Ran [1-9]\d* tests? /m);
    });
  }

  test('it and its tests are typed throughout', { skip: NO_MYPY }, async () => {
    const tests = readdirSync(TESTS)
      .filter((name) => name.endsWith('.py'))
      .map((name) => join(TESTS, name));
    const cache = mkdtempSync(join(tmpdir(), 'tollgate-mypy-'));
    try {
      const config = ['--config-file', join(CLIENT, 'pyproject.toml'), '--cache-dir', cache];
      const { ok, output } = await python(
        ['-m', 'mypy', ...config, join(CLIENT, 'tollgate'), ...tests],
        ROOT,
      );
      assert.ok(ok, output);
    } finally {
      rmSync(cache, { recursive: true });
    }
  });
});

/** Compares the messages of the stubs with those of the proto, whichever protoc compiled either. */
const SAME_MESSAGES = `
import sys
from google.protobuf import descriptor_pb2
from tollgate.v1 import tollgate_pb2

def bare(message):
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        bare(nested)

compiled = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read()).file[-1]
stubs = descriptor_pb2.FileDescriptorProto()
tollgate_pb2.DESCRIPTOR.CopyToProto(stubs)
for file in (compiled, stubs):
    for message in file.message_type:
        bare(message)
sys.exit(0 if compiled == stubs else "tollgate_pb2.py has drifted; run src/client/python/generate")
`;

test('its stubs have the messages of the proto', { skip: NO_PROTOC || NO_GRPC }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tollgate-stubs-'));
  try {
    const compiled = join(scratch, 'compiled');
    execFileSync('protoc', [
      `--proto_path=${join(ROOT, 'proto')}`,
      '--include_imports',
      `--descriptor_set_out=${compiled}`,
      'tollgate/v1/tollgate.proto',
    ]);
    const { ok, output } = await python(['-c', SAME_MESSAGES, compiled], ROOT);
    assert.ok(ok, output);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('its stubs are what the proto gives', { skip: NO_PROTOC }, (t) => {
  const version = execFileSync('protoc', ['--version'], { encoding: 'utf8' }).trim();
  if (version !== 'libprotoc 3.21.12') {
    // Each release writes them a little differently; the test above has compared what they say.
    t.diagnostic(`${version} is not the one that made them`);
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'tollgate-stubs-'));
  try {
    execFileSync(join(CLIENT, 'generate'), [scratch]);
    const files = readdirSync(join(scratch, 'tollgate', 'v1')).sort();
    assert.equal(files.length, 3);
    for (const file of files) {
      const [fresh, committed] = [scratch, CLIENT].map((folder) =>
        readFileSync(join(folder, 'tollgate', 'v1', file), 'utf8'),
      );
      assert.ok(fresh === committed, `${file} has drifted; run src/client/python/generate`);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
