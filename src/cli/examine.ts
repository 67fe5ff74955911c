import { formatRedisAddress, type RedisAddress } from '../redis/address.js';
import type { Connection } from '../redis/connection.js';
import { fixOf } from '../redis/fix.js';
import { whoAmI } from '../redis/permitted.js';
import type { Settings } from '../settings.js';
import { parseInfo } from '../store/monitor.js';
import { isLocal } from '../wire/listen.js';
import { connect } from './connect.js';
import { examineScripts } from './examine-scripts.js';
import { type Finding, messageOf, withTimeout } from './finding.js';

/** Connects to a Redis as a sidecar would, and looks at whatever could hurt it. */
export async function examine(settings: Settings, address: RedisAddress): Promise<Finding[]> {
  const name = formatRedisAddress(address);
  const { connection, problem } = await connect(settings, address);
  try {
    if (problem !== undefined) {
      return [
        {
          state: 'fail',
          what: `${name} is not reachable: ${problem}`,
          fix: fixOf(problem, address),
        },
      ];
    }
    return [
      { state: 'ok', what: `${name} is reachable (${address.mode})` },
      transport(address),
      ...(await user(connection)),
      ...(await server(connection)),
      ...(await examineScripts(connection)),
    ];
  } finally {
    connection.close();
  }
}

function transport(address: RedisAddress): Finding {
  if (address.tls) return { state: 'ok', what: 'the connection is encrypted (TLS)' };
  if (address.path !== undefined || address.nodes.every((node) => isLocal(node))) {
    return { state: 'ok', what: 'the connection stays on this machine' };
  }
  return {
    state: 'warn',
    what: 'the connection leaves this machine without TLS',
    fix: 'use rediss:// where the network is not trusted',
  };
}

async function user(connection: Connection): Promise<Finding[]> {
  const name = await withTimeout(whoAmI(connection)).catch(() => undefined);
  return name === undefined
    ? []
    : [{ state: 'ok', what: `Redis knows this as its user "${name}"` }];
}

async function server(connection: Connection): Promise<Finding[]> {
  let texts: string[];
  try {
    texts = (await withTimeout(connection.onEveryMaster('INFO'))).map(String);
  } catch (error) {
    return [
      { state: 'fail', what: `INFO fails: ${messageOf(error)}`, fix: 'allow the ACL user +info' },
    ];
  }
  return texts.flatMap((text) => {
    const info = parseInfo(text);
    return [
      version(info.version),
      eviction(info.maxmemoryPolicy, info.evictedKeys),
      persistence(text),
      mode(text, connection),
      ...replicas(text, connection),
    ];
  });
}

function version(found: string): Finding {
  return Number(found.split('.')[0]) >= 7
    ? { state: 'ok', what: `version ${found}` }
    : {
        state: 'fail',
        what: `version ${found} is too old`,
        fix: 'use Redis 7.0 or newer, or Valkey',
      };
}

function eviction(policy: string | undefined, evictedKeys: number): Finding {
  if (policy !== undefined && policy !== 'noeviction') {
    return {
      state: 'fail',
      what: `maxmemory-policy is ${policy}: Redis may evict windows, and so forget spend (${evictedKeys} keys evicted so far)`,
      fix: 'set maxmemory-policy to noeviction',
    };
  }
  return { state: 'ok', what: `maxmemory-policy is ${policy ?? 'not reported'}` };
}

function persistence(info: string): Finding {
  if (/^aof_enabled:1/m.test(info)) return { state: 'ok', what: 'the append-only file is on' };
  return {
    state: 'warn',
    what: 'the append-only file is off: a restart of Redis forgets spend since its last snapshot',
    fix: 'set appendonly to yes',
  };
}

function mode(info: string, connection: Connection): Finding {
  const cluster = /^(redis_mode|server_mode):cluster/m.test(info);
  if (cluster === (connection.address.mode === 'cluster')) {
    return {
      state: 'ok',
      what: `the mode is ${cluster ? 'cluster' : 'not cluster'}, as TOLLGATE_REDIS_MODE says`,
    };
  }
  return {
    state: 'fail',
    what: `this Redis is ${cluster ? '' : 'not '}a cluster, and TOLLGATE_REDIS_MODE is ${connection.address.mode}`,
    fix: `set TOLLGATE_REDIS_MODE=${cluster ? 'cluster' : 'single'}`,
  };
}

/** INFO tells how many replicas follow well only where a number of them is asked for. */
function replicas(info: string, { address }: Connection): Finding[] {
  const follow = Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0);
  if (address.mode === 'single' || follow === 0 || /^min_slaves_good_slaves:/m.test(info)) {
    return [];
  }
  return [
    {
      state: 'warn',
      what: 'min-replicas-to-write is 0: a master that has been replaced, and does not know it yet, goes on deciding, and that is lost',
      fix: 'with two replicas or more, set min-replicas-to-write to 1 (and min-replicas-max-lag): a master that nobody follows then refuses',
    },
  ];
}
