/**
 * Writes what is generated from another source: the proto's types and descriptors, the JSON Schema of
 * the policy file, the forms of the alert rules, the dashboards, and the users of Redis. With --check it writes nothing and
 * fails if the tree has drifted.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { policyJsonSchema } from '../../src/policy/schema.js';
import { aclUser, REDIS_ROLES } from '../../src/redis/rights.js';
import { grafanaRules } from './alerts/grafana-rules.js';
import { prometheusRule } from './alerts/prometheus-rule.js';
import { ALERTS, parseRules, RULES_FILE, readRules, withRunbookUrls } from './alerts/rules.js';
import { limits } from './dashboards/limits.js';
import { sidecars } from './dashboards/sidecars.js';
import { spend } from './dashboards/spend.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const GENERATED = join('src', 'wire', 'generated');
const BIN = join(ROOT, 'node_modules', '.bin');

/** Every generated file by its path in the tree. */
export function generate(): Map<string, string> {
  const files = new Map<string, string>();
  const scratch = mkdtempSync(join(tmpdir(), 'tollgate-generate-'));
  try {
    execFileSync(
      join(BIN, 'proto-loader-gen-types'),
      [
        ...['--longs=Number', '--enums=String', '--keepCase', '--defaults'],
        ...['--grpcLib=@grpc/grpc-js', '--importFileExtension=.js', `--outDir=${scratch}`],
        ...['-I', 'proto', '--', 'tollgate/v1/tollgate.proto'],
      ],
      { cwd: ROOT },
    );
    for (const file of filesBelow(scratch)) {
      files.set(join(GENERATED, relative(scratch, file)), readFileSync(file, 'utf8'));
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
  files.set(join(GENERATED, 'descriptors.ts'), descriptors());
  files.set(
    join('src', 'policy', 'policy.schema.json'),
    `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
  );
  const rules = withRunbookUrls(readRules());
  files.set(RULES_FILE, rules);
  files.set(join(ALERTS, 'prometheus-rule.yaml'), prometheusRule(parseRules(rules)));
  files.set(join(ALERTS, 'grafana-rules.yaml'), grafanaRules(parseRules(rules)));
  for (const [name, dashboard] of Object.entries({ limits, sidecars, spend })) {
    files.set(join('k8s', 'dashboards', `${name}.json`), `${JSON.stringify(dashboard, null, 2)}\n`);
  }
  for (const role of REDIS_ROLES)
    files.set(join('k8s', 'acl', `${role}.acl`), `${aclUser(role)}\n`);
  return files;
}

/**
 * The compiled proto for gRPC reflection. What proto-loader offers for it names the entries of a map
 * wrongly, and strict clients (buf curl, grpcurl) then find no service.
 */
function descriptors(): string {
  const health = join('node_modules', 'grpc-health-check', 'proto');
  const files = ['proto', health]
    .flatMap((folder) =>
      splitMessages(
        execFileSync(join(BIN, 'buf'), ['build', folder, '--exclude-source-info', '-o', '-'], {
          cwd: ROOT,
        }),
      ),
    )
    .map((bytes) => `  '${bytes.toString('base64')}',\n`);
  return (
    '// Compiled from proto/ and the standard health proto: FileDescriptorProtos in base64.\n' +
    `export const FILE_DESCRIPTORS: readonly string[] = [\n${files.join('')}];\n`
  );
}

/** The elements of a FileDescriptorSet, whose only field is `repeated FileDescriptorProto file = 1`. */
function splitMessages(set: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let at = 0;
  while (at < set.length) {
    if (set[at] !== 0x0a) throw new Error(`field 1 expected at byte ${at}`);
    at += 1;
    let length = 0;
    for (let shift = 0; ; shift += 7, at += 1) {
      const byte = set[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    messages.push(set.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return messages;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Files of the tree that are not what their source generates. */
export function drifted(): string[] {
  const files = generate();
  const extra = filesBelow(join(ROOT, GENERATED))
    .map((file) => relative(ROOT, file))
    .filter((file) => !files.has(file));
  const changed = [...files].filter(([file, text]) => {
    try {
      return readFileSync(join(ROOT, file), 'utf8') !== text;
    } catch {
      return true;
    }
  });
  return [...changed.map(([file]) => file), ...extra];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--check')) {
    const files = drifted();
    if (files.length > 0) {
      console.error(`generated files have drifted; run npm run generate:\n  ${files.join('\n  ')}`);
      process.exitCode = 1;
    }
  } else {
    rmSync(join(ROOT, GENERATED), { recursive: true, force: true });
    for (const [file, text] of generate()) {
      mkdirSync(dirname(join(ROOT, file)), { recursive: true });
      writeFileSync(join(ROOT, file), text);
    }
  }
}
