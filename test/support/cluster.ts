import { execFileSync } from 'node:child_process';
import { freePort, type RedisProcess, redisUrl, startRedis } from './redis.js';
import { redisCliOptions } from './secured.js';
import { until } from './until.js';

/** A Redis Cluster of masters, each a child process. */
export interface ClusterProcesses {
  readonly url: string;
  readonly nodes: readonly RedisProcess[];
  stop(): Promise<void>;
}

/** Two seconds, usually; if a node could not take its port, another process having been quicker, it waits for ever. */
const JOIN_MS = 15_000;

/** Ports are free when they are looked for, and so nearly always when they are taken. */
const MAX_TRIES = 3;

export async function startCluster(masters = 3): Promise<ClusterProcesses> {
  for (let tries = 1; ; tries += 1) {
    const nodes = await startNodes(masters);
    const stop = async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    };
    try {
      await join(nodes);
      const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
      return { url: redisUrl(0).replace('127.0.0.1:0', addresses.join(',')), nodes, stop };
    } catch (error) {
      await stop();
      if (tries === MAX_TRIES) throw error;
    }
  }
}

function startNodes(masters: number): Promise<RedisProcess[]> {
  return Promise.all(
    Array.from({ length: masters }, async () => {
      const port = String(await freePort());
      const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '500'];
      return startRedis(...options, '--cluster-port', port);
    }),
  );
}

/** @throws if they do not in {@link JOIN_MS} */
async function join(nodes: readonly RedisProcess[]): Promise<void> {
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  execFileSync(
    'redis-cli',
    [...redisCliOptions(), '--cluster', 'create', ...addresses, '--cluster-yes'],
    {
      timeout: JOIN_MS,
    },
  );
  for (const node of nodes) {
    await until('the cluster to agree', async () =>
      /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(
        String(await node.client.cluster('INFO')),
      ),
    );
  }
}
