import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';
import type { Manifest } from './manifest.js';

/** Where the manifests are. */
export const K8S = fileURLToPath(new URL('../../../k8s/', import.meta.url));

/** What kubectl says of itself; '' where there is none. */
export const KUBECTL: string = (() => {
  try {
    const version = execFileSync('kubectl', ['version', '--client'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return version.trim().replaceAll('\n', ', ');
  } catch {
    return '';
  }
})();

/**
 * Why manifests cannot be built here; false if they can. In CI nothing is skipped: a machine without
 * kubectl fails there.
 */
export const NO_KUBECTL: string | false = (() => {
  if (KUBECTL !== '') return false;
  if (process.env['CI']) throw new Error('kubectl is missing, and CI skips nothing');
  return 'kubectl is not installed (.ci/run says from where)';
})();

/** Builds a folder as `kubectl apply -k` does: every object that it would send. */
export function build(folder: string): Manifest[] {
  const text = execFileSync('kubectl', ['kustomize', folder], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return readObjects(text);
}

/** The objects of a YAML file of several. */
export function readObjects(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}

/** Folders of the manifests, and files, of an overlay such as a team writes for itself. */
export interface Overlay {
  /** Folders of k8s/. */
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  /** Files of its own, by their names: those that end with .patch.yaml patch, the others are resources. */
  readonly files?: Readonly<Record<string, string>>;
  /** What else its kustomization says. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Writes an overlay into an empty folder, and builds it. */
export function buildOverlay(
  folder: string,
  { resources = [], components = [], files = {}, more = {} }: Overlay,
): Manifest[] {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const names = Object.keys(files);
  const patches = names.filter((name) => name.endsWith('.patch.yaml'));
  const of = (name: string) => relative(folder, join(K8S, name));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...resources.map(of), ...names.filter((name) => !patches.includes(name))],
    components: components.map((name) => of(`components/${name}`)),
    patches: patches.map((path) => ({ path })),
    ...more,
  };
  writeFileSync(join(folder, 'kustomization.yaml'), stringify(kustomization));
  return build(folder);
}
