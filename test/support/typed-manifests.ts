import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Manifest } from './manifest.js';

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** The module that knows an object's kind: Kubernetes' own, or the Prometheus Operator's. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const from = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${from}/${apiVersion}/${kind}`;
}

interface Model {
  validate(): void;
}

/**
 * What is wrong with an object by the schema of its kind: wrong types, missing fields, values that are none of those
 * allowed. Fields that it does not know it lets pass.
 * @returns undefined if it is good
 */
export async function schemaProblem(object: Manifest): Promise<string | undefined> {
  const { kind } = object;
  const models = (await import(moduleOf(object))) as Record<string, new (data: unknown) => Model>;
  const ModelOf = models[kind];
  if (!ModelOf) throw new Error(`${moduleOf(object)} has no ${kind}`);
  try {
    new ModelOf(object).validate();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * What the compiler finds in objects that are written out as values of their types: fields that no such object has, at
 * any depth, which the API server would refuse or drop.
 * @param folder empty
 * @returns a line each
 */
export function typeProblems(folder: string, objects: readonly Manifest[]): string[] {
  mkdirSync(folder, { recursive: true });
  symlinkSync(MODULES, join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    ...{ target: 'ES2023', module: 'NodeNext', types: [] },
    ...{ strict: true, skipLibCheck: true, noEmit: true },
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['all.ts'] }),
  );
  const lines = objects.flatMap((object, n) => [
    `import type { I${object.kind} as T${n} } from '${moduleOf(object)}';`,
    `export const o${n}: T${n} = ${JSON.stringify(object, null, 1)};`,
  ]);
  writeFileSync(join(folder, 'all.ts'), lines.join('\n'));
  try {
    execFileSync(join(MODULES, '.bin', 'tsc'), [], { cwd: folder, encoding: 'utf8' });
    return [];
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    const found = stdout.split('\n').filter((line) => line.includes('error TS'));
    if (found.length === 0) throw error;
    return found;
  }
}
