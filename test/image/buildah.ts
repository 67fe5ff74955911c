import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fillNodeBase } from './base.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Long for a build that takes half a minute; within what the runner gives a test. */
const BUILD_MS = 85_000;

/** Why no image can be built here; false if one can. In CI nothing is skipped. */
export const NO_BUILDAH: string | false = (() => {
  const reasons = [
    ...(process.platform === 'linux' && process.getuid?.() === 0 ? [] : ['this is not root']),
    ...['buildah', 'dpkg-query'].flatMap((command) => {
      try {
        execFileSync(command, ['--version'], { stdio: 'ignore' });
        return [];
      } catch {
        return [`${command} is not installed (apt-get install buildah dpkg)`];
      }
    }),
  ];
  if (reasons.length === 0) return false;
  if (process.env['CI']) throw new Error(`${reasons.join('; ')}, and CI skips nothing`);
  return reasons.join('; ');
})();

/** An image that was built, and how it lies on this machine. */
export interface BuiltImage {
  /** Its root file system, unpacked. */
  readonly root: string;
  /** What its configuration says. */
  readonly config: ImageConfig;
  remove(): void;
}

/** The part of an image's configuration (Docker's format) that is looked at. */
export interface ImageConfig {
  readonly User: string;
  readonly WorkingDir: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
  /** Times in nanoseconds. */
  readonly Healthcheck: {
    readonly Test: readonly string[];
    readonly Interval: number;
    readonly Timeout: number;
    readonly StartPeriod: number;
    readonly Retries: number;
  };
}

/**
 * Builds the Dockerfile as it is, without a daemon. The base that it names is made here; what is asked of
 * npm's registry comes from the cache of this machine where it has it.
 * @param version of Node, as the Dockerfile names it
 */
export async function buildImage(version: string): Promise<BuiltImage> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-image-'));
  const store = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
  const buildah = async (...args: string[]): Promise<string> => {
    const all = [...store, '--storage-driver', 'vfs', ...args];
    const options = { cwd: ROOT, maxBuffer: 1e8, timeout: BUILD_MS };
    return (await promisify(execFile)('buildah', all, options)).stdout.trim();
  };
  try {
    const base = await buildah('from', 'scratch');
    fillNodeBase(await buildah('mount', base), version);
    const name = `docker.io/library/node:${version}-bookworm-slim`;
    await buildah('commit', '--quiet', '--rm', base, name);
    await buildah(
      'bud',
      ...['--isolation', 'chroot', '--pull=never', '--format', 'docker', '--layers=false'],
      ...mounts(folder),
      ...['--tag', 'tollgate', '.'],
    );
    const container = await buildah('from', '--pull-never', 'tollgate');
    const inspected = JSON.parse(await buildah('inspect', '--type', 'image', 'tollgate'));
    return {
      root: await buildah('mount', container),
      config: inspected.Docker.config as ImageConfig,
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }

  function remove(): void {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How the steps of the build reach npm's registry as this machine does; nothing of it gets into the image. */
function mounts(folder: string): string[] {
  const npm = join(folder, 'npm');
  mkdirSync(npm);
  const settings = join(npm, 'npmrc');
  const configured = (name: string) =>
    execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  // The later of two lines wins, as of the files. A registry may also be named by the environment.
  const files = ['globalconfig', 'userconfig'].map(configured).filter((file) => existsSync(file));
  const lines = files.map((file) => readFileSync(file, 'utf8'));
  lines.push(`registry=${configured('registry')}`, 'prefer-offline=true', '');
  writeFileSync(settings, lines.join('\n'));
  const cache = configured('cache');
  mkdirSync(cache, { recursive: true });
  const volumes = [`${settings}:/root/.npmrc:ro`, `${cache}:/root/.npm`];
  if (existsSync('/etc/ssl/certs')) volumes.push('/etc/ssl/certs:/etc/ssl/certs:ro');
  return volumes.flatMap((volume) => ['--volume', volume]);
}
