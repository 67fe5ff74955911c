import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until.js';
import type { ImageConfig } from './buildah.js';

/** Namespaces of its own; the network is this machine's, so that the Redis of the test is reached. */
const NAMESPACES = ['--mount', '--pid', '--ipc', '--uts'];

/**
 * What a runtime does in them before it starts the first process: a root that cannot be written, no privilege
 * and none to gain. Of the capabilities that a process could ever have, three stay that the last step needs; a
 * user who is not root, and gains nothing, has none of them. The arguments are the root, then the command line.
 */
const ENTER = `set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro,nosuid,nodev "$1"
mount -t proc -o nosuid,nodev,noexec proc "$1/proc"
mount -t tmpfs -o nosuid,noexec,mode=755,size=64k,ro tmpfs "$1/dev"
shift
exec "$@"`;
const PRIVILEGES = [
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all,+setuid,+setgid,+sys_chroot',
];

/**
 * Whether this machine lets root mount and part, as a runtime must. Where it does not, inside some containers, the
 * image runs in a chroot with the same user and privileges: there the modes of its files alone keep it from writing.
 */
export const CONFINES: boolean = (() => {
  const args = [
    ...NAMESPACES,
    '--fork',
    'sh',
    '-c',
    'mount --make-rprivate / && mount -t tmpfs none /mnt',
  ];
  return process.platform === 'linux' && spawnSync('unshare', args).status === 0;
})();

/** A container of the image, with the network of this machine, so that it reaches the Redis of the test. */
export interface Container {
  /** Its log so far. */
  readonly log: Record<string, unknown>[];
  /** Its first process, as this machine counts. */
  readonly pid: number;
  /** What the kernel says of its first process: `CapEff`, `NSpid`. */
  status(field: string): string;
  /** Runs a command in it, as a healthcheck is. */
  exec(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): { code: number | null; out: string };
  /** What a runtime does to stop it. @returns the exit code of its first process */
  stop(): Promise<number>;
}

/**
 * Runs the image as a runtime of Kubernetes does under PodSecurity `restricted`, with what every Debian has.
 * @param root where it is unpacked
 */
export async function runContainer(
  root: string,
  config: ImageConfig,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Container> {
  const path = (command: string) => execFileSync('which', [command], { encoding: 'utf8' }).trim();
  const [uid = '', gid = ''] = config.User.split(':');
  const user = [`--setuid=${uid}`, `--setgid=${gid}`];
  const variables = [...config.Env, ...Object.entries(env).map((pair) => pair.join('='))];
  const folder = config.WorkingDir;
  const unprivileged = [
    ...[path('setpriv'), ...PRIVILEGES],
    ...[path('unshare'), `--root=${root}`, `--wd=${folder}`, ...user, '--'],
  ];
  const confined = [
    'unshare',
    ...NAMESPACES,
    '--fork',
    '--kill-child',
    'sh',
    '-c',
    ENTER,
    'sh',
    root,
  ];
  // A runtime makes what it mounts on where an image lacks it.
  for (const mount of ['proc', 'dev']) mkdirSync(join(root, mount), { recursive: true });
  const child = spawn(
    'env',
    [
      ...(CONFINES ? confined : []),
      ...['env', '-i', ...variables, ...unprivileged, ...config.Entrypoint, ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = collectLines(child);
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  let pid = 0;
  await until('the first process of the container', () => {
    if (ended()) throw new Error(`the container has ended: ${errors}`);
    pid = CONFINES
      ? Number(read(`/proc/${child.pid}/task/${child.pid}/children`).trim())
      : (child.pid ?? 0);
    // Until then it is still made ready: each step gives way to the next.
    return read(`/proc/${pid}/cmdline`).startsWith(`${config.Entrypoint.join('\0')}\0`);
  });
  return {
    log,
    pid,
    status(field) {
      const lines = read(`/proc/${pid}/status`).split('\n');
      return lines.find((line) => line.startsWith(`${field}:`))?.split(/:\s*/)[1] ?? '';
    },
    exec(command, more = {}) {
      const enter = ['--target', String(pid), ...NAMESPACES, '--root', `--wdns=${folder}`, ...user];
      const [program = '', ...options] = CONFINES ? [path('nsenter'), ...enter] : unprivileged;
      const { status, stdout, stderr } = spawnSync(program, [...options, ...command], {
        env: { ...Object.fromEntries(variables.map((pair) => pair.split(/=(.*)/s))), ...more },
        encoding: 'utf8',
      });
      return { code: status, out: `${stdout}${stderr}` };
    },
    async stop() {
      if (!ended()) {
        const exit = new Promise((resolve) => child.once('exit', resolve));
        process.kill(pid, config.StopSignal);
        await exit;
      }
      // A signal that ends a process is told as a number in a namespace of its own only.
      return child.exitCode ?? 128 + constants.signals[child.signalCode ?? 'SIGKILL'];
    },
  };
}

/** What a process logs, as it comes. */
function collectLines(child: ChildProcess): Record<string, unknown>[] {
  const log: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout?.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) log.push(JSON.parse(line) as Record<string, unknown>);
  });
  return log;
}

/** What the kernel says there; '' of a process that is not there, or not yet. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
