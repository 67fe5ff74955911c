import { execFileSync } from 'node:child_process';
import { freePort, type RedisProcess, redisUrl, startRedis, startSecuredRedis } from './redis.js';
import { redisCliOptions, SECURED } from './secured.js';
import { until } from './until.js';

/** A Redis Cluster of three masters, and perhaps replicas, each a child process. */
export interface ClusterProcesses {
  readonly url: string;
  /** The masters, then the replicas. */
  readonly nodes: readonly RedisProcess[];
  stop(): Promise<void>;
}

/** Two seconds, usually; if a node could not take its port, another process having been quicker, it waits for ever. */
const JOIN_MS = 15_000;

/** Ports are free when they are looked for, and so nearly always when they are taken. */
const MAX_TRIES = 3;

/** @param options that it is reached by TLS and ACL whichever way the suite runs; replicas of the first master */
export async function startCluster({
  secured = SECURED,
  replicas = 0,
}: {
  secured?: boolean;
  replicas?: number;
} = {}): Promise<ClusterProcesses> {
  for (let tries = 1; ; tries += 1) {
    const nodes = await startNodes(MASTERS + replicas, secured);
    const stop = async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    };
    try {
      await join(nodes, secured);
      const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
      const url = redisUrl(0, secured).replace('127.0.0.1:0', addresses.join(','));
      return { url, nodes, stop };
    } catch (error) {
      await stop();
      if (tries === MAX_TRIES) throw error;
    }
  }
}

const MASTERS = 3;

function startNodes(count: number, secured: boolean): Promise<RedisProcess[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const port = String(await freePort());
      const options = [
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', '500', '--cluster-port', port],
        // A replica is there at once, and is promoted however long it has heard nothing.
        ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
      ];
      return secured ? startSecuredRedis(...options) : startRedis(...options);
    }),
  );
}

/** @throws if they do not in {@link JOIN_MS} */
async function join(nodes: readonly RedisProcess[], secured: boolean): Promise<void> {
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const cli = (...args: string[]) =>
    execFileSync('redis-cli', [...(secured ? redisCliOptions() : []), '--cluster', ...args], {
      timeout: JOIN_MS,
    });
  const [first = ''] = addresses;
  cli('create', ...addresses.slice(0, MASTERS), '--cluster-yes');
  const master = String(await nodes[0]?.client.cluster('MYID'));
  for (const replica of addresses.slice(MASTERS)) {
    cli('add-node', replica, first, '--cluster-slave', '--cluster-master-id', master);
  }
  const state = new RegExp(`cluster_state:ok[\\s\\S]*cluster_known_nodes:${nodes.length}`);
  for (const node of nodes) {
    await until('the cluster to agree', async () =>
      state.test(String(await node.client.cluster('INFO'))),
    );
  }
  for (const replica of nodes.slice(MASTERS)) {
    await until('the replica to follow', async () =>
      /master_link_status:up/.test(await replica.client.info('replication')),
    );
  }
}
