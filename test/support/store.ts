import { parseRedisUrl, type RedisMode } from '../../src/redis/address.js';
import type { Connection } from '../../src/redis/connection.js';
import { openConnection } from '../../src/redis/connection.js';
import { loadScripts } from '../../src/redis/scripts.js';
import { createStore, type Store } from '../../src/store/store.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { MAX_ENTRIES } from './question.js';
import { accessHere } from './secured.js';
import { until } from './until.js';

/** A store on a real Redis, without a sidecar around it. */
export async function openStore(
  url: string,
  mode: RedisMode = 'single',
  passwordFile?: string,
): Promise<{ store: Store; connection: Connection; metrics: Metrics }> {
  const parsed = parseRedisUrl(url, mode);
  if (typeof parsed === 'string') throw new Error(parsed);
  const { address, access } = accessHere('keeper', parsed);
  const connection = openConnection({
    address,
    access: passwordFile === undefined ? access : { ...access, passwordFile },
    scripts: loadScripts(),
    onFileProblem: () => {},
    onUp: () => {},
    onDown: () => {},
  });
  await until('the connection to be ready', connection.ready);
  const metrics = createMetrics();
  return { store: createStore(connection, metrics, () => MAX_ENTRIES), connection, metrics };
}
