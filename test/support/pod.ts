import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IVolume } from 'kubernetes-models/v1/Volume';
import { container, type Manifest, type PodMaker } from './manifest.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What the image begins with where a container names no command, in its folder. */
const ENTRYPOINT = [process.execPath, join(ROOT, 'dist', 'src', 'main.js')];

/** A container that runs as a process of this machine. */
export interface RunningContainer {
  readonly child: ChildProcess;
  /** What it has printed. */
  out(): string;
  /** Asks it to stop, as the kubelet does. */
  stop(): Promise<{ code: number | null; tookMs: number }>;
}

/** A pod whose volumes are there. */
export interface Pod {
  /** What a path of a container is here, and any text with such paths. */
  here(name: string, text: string): string;
  /** @param env what a machine without networks of pods needs: ports of its own */
  start(name: string, env?: Readonly<Record<string, string>>): RunningContainer;
}

/**
 * A kubelet in miniature: the volumes of a pod as folders, and each container as a process with the command and the
 * environment that its manifest gives it, and nothing else. It has no images, no users and no limits.
 * @param folder empty
 * @param podName what metadata.name is
 */
export function placePod(
  folder: string,
  objects: readonly Manifest[],
  maker: PodMaker,
  podName: string,
): Pod {
  const { volumes = [] } = maker.spec.template.spec ?? {};
  const claims = (maker.spec as { volumeClaimTemplates?: { metadata: { name: string } }[] })
    .volumeClaimTemplates;
  for (const { metadata } of claims ?? [])
    mkdirSync(join(folder, metadata.name), { recursive: true });
  for (const volume of volumes) placeVolume(join(folder, volume.name), objects, volume);

  const here = (name: string, text: string): string => {
    const { volumeMounts = [] } = container(maker, name);
    const folders = new Map(
      volumeMounts.map((mount) => [mount.mountPath, join(folder, mount.name)]),
    );
    // All at once: the folders may themselves be below /tmp, which a container may mount.
    const any = new RegExp(
      [...folders.keys()].toSorted((a, b) => b.length - a.length).join('|'),
      'g',
    );
    return folders.size === 0 ? text : text.replace(any, (path) => folders.get(path) ?? path);
  };
  const metadata = { name: podName, labels: maker.spec.template.metadata?.labels ?? {} };
  return {
    here,
    start(name, env = {}) {
      const own = container(maker, name);
      const written = [...(own.command ?? []), ...(own.args ?? [])].map((text) => here(name, text));
      const [program = '', ...args] = own.command ? written : [...ENTRYPOINT, ...written];
      const values = Object.entries(environmentOf(own, objects, metadata)).map(([key, value]) => [
        key,
        here(name, value),
      ]);
      const child = spawn(program === 'node' ? process.execPath : program, args, {
        cwd: ROOT,
        env: { PATH: process.env['PATH'], ...Object.fromEntries(values), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return followed(child);
    },
  };
}

function followed(child: ChildProcess): RunningContainer {
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      out += String(chunk);
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    child,
    out: () => out,
    async stop() {
      const startMs = performance.now();
      child.kill('SIGTERM');
      return { code: await ended, tookMs: performance.now() - startMs };
    },
  };
}

/** As the kubelet places them: the files of one moment in a folder, which a link names, and links to them. */
function placeVolume(folder: string, objects: readonly Manifest[], volume: IVolume): void {
  mkdirSync(folder, { recursive: true });
  const { configMap, secret, emptyDir } = volume;
  if (emptyDir) return;
  const [kind, name] = configMap ? ['ConfigMap', configMap.name] : ['Secret', secret?.secretName];
  const source = objects.find((o) => o.kind === kind && o.metadata.name === name);
  if (!source) {
    if (configMap?.optional || secret?.optional) return;
    throw new Error(`the volume ${volume.name} needs the ${kind} ${name}, which is not there`);
  }
  mkdirSync(join(folder, '..1'));
  symlinkSync('..1', join(folder, '..data'));
  for (const [file, text] of Object.entries(source.data ?? {})) {
    writeFileSync(
      join(folder, '..1', file),
      kind === 'Secret' ? Buffer.from(text, 'base64') : text,
    );
    symlinkSync(join('..data', file), join(folder, file));
  }
}

/** The variables that a container is given; an absent label is an empty one. */
function environmentOf(
  { envFrom = [], env = [] }: IContainer,
  objects: readonly Manifest[],
  metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): Record<string, string> {
  const all: Record<string, string> = {};
  for (const { configMapRef } of envFrom) {
    const source = objects.find(
      (o) => o.kind === 'ConfigMap' && o.metadata.name === configMapRef?.name,
    );
    if (!source) throw new Error(`the ConfigMap ${configMapRef?.name} is not there`);
    Object.assign(all, source.data);
  }
  for (const { name, value, valueFrom } of env) {
    const { fieldRef, secretKeyRef } = valueFrom ?? {};
    if (value !== undefined) all[name] = value;
    if (fieldRef) {
      const [, label] = /^metadata\.labels\['(.+)'\]$/.exec(fieldRef.fieldPath) ?? [];
      if (label === undefined && fieldRef.fieldPath !== 'metadata.name') {
        throw new Error(`${fieldRef.fieldPath} is no field that a pod tells`);
      }
      all[name] = label === undefined ? metadata.name : (metadata.labels[label] ?? '');
    }
    if (secretKeyRef) {
      const secret = objects.find(
        (o) => o.kind === 'Secret' && o.metadata.name === secretKeyRef.name,
      );
      const found = secret?.data?.[secretKeyRef.key];
      if (found !== undefined) all[name] = Buffer.from(found, 'base64').toString();
      else if (!secretKeyRef.optional) throw new Error(`the Secret ${secretKeyRef.name} lacks it`);
    }
  }
  return all;
}
