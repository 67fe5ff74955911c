import { readFileSync } from 'node:fs';

const LOCK = new URL('../../../package-lock.json', import.meta.url);

/** What has nothing that runs: types of other packages' arguments. */
const TYPES_ALONE = /^(@types\/|undici-types@)/;

/** The packages of the lock file that run in production, as name@version. */
export const PRODUCTION: ReadonlySet<string> = (() => {
  const lock = JSON.parse(readFileSync(LOCK, 'utf8')) as {
    packages: Record<string, { version: string; dev?: boolean }>;
  };
  const ids = Object.entries(lock.packages).flatMap(([path, { version, dev }]) =>
    path === '' || dev ? [] : [`${path.split('node_modules/').at(-1)}@${version}`],
  );
  return new Set(ids.filter((id) => !TYPES_ALONE.test(id)));
})();
