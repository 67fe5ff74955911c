import { execFileSync } from 'node:child_process';
import { freePort, type RedisProcess, startRedis } from './redis.js';
import { until } from './until.js';

/** A Redis Cluster of masters, each a child process. */
export interface ClusterProcesses {
  readonly url: string;
  readonly nodes: readonly RedisProcess[];
  stop(): Promise<void>;
}

export async function startCluster(masters = 3): Promise<ClusterProcesses> {
  const nodes = await Promise.all(
    Array.from({ length: masters }, async () =>
      startRedis(
        '--cluster-enabled',
        'yes',
        '--cluster-port',
        String(await freePort()),
        '--cluster-node-timeout',
        '500',
      ),
    ),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
  for (const node of nodes) {
    await until('the cluster to agree', async () =>
      /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(
        String(await node.client.cluster('INFO')),
      ),
    );
  }
  return {
    url: `redis://${addresses.join(',')}`,
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
