/** Who has a user of its own in Redis: a gate in each pod, the keeper, and people who only ask. */
export const REDIS_ROLES = ['gate', 'keeper', 'reader'] as const;
export type RedisRole = (typeof REDIS_ROLES)[number];

/** What every connection says, of itself and to find its way in a Cluster. */
const CONNECT = [
  ...['info', 'time', 'client|setname', 'acl|whoami'],
  ...['cluster|slots', 'cluster|info', 'readonly', 'readwrite', 'asking'],
];

/** What the commands that answer read by. */
const READ = [
  ...['get', 'mget', 'hget', 'hmget', 'hgetall', 'smembers', 'xrange', 'xrevrange', 'xinfo|stream'],
  ...['zcard', 'zrangebyscore', 'eval_ro', 'evalsha_ro'],
  // Whoever may not sum up asks for that first, so that the log of what Redis has denied stays short.
  'acl|dryrun',
];

/** What a gate decides and tells by, in its scripts and beside them. */
const DECIDE = [
  ...['eval', 'evalsha', 'get', 'set', 'del', 'exists', 'expire', 'mget', 'sadd'],
  ...['hget', 'hset', 'hsetnx', 'hmget', 'hdel', 'hlen', 'hgetall', 'xadd', 'xrange', 'xrevrange'],
];

/** What a keeper sums up by, besides: also for who orders halts and grants, which a keeper's user does. */
const KEEP = [
  ...['hscan', 'xtrim', 'rpush', 'ltrim', 'pexpire', 'pexpireat', 'zadd', 'zrem', 'zscore'],
  ...['zrange', 'zremrangebyscore', 'zremrangebyrank'],
];

const COMMANDS: Readonly<Record<RedisRole, readonly string[]>> = {
  gate: [...CONNECT, ...DECIDE],
  keeper: [...CONNECT, ...DECIDE, ...READ, ...KEEP],
  reader: [...CONNECT, ...READ],
};

/** Keys that all of Tollgate's begin with: for reading and writing, or for reading alone. */
const KEYS: Readonly<Record<RedisRole, string>> = {
  gate: '~tg:*',
  keeper: '~tg:*',
  reader: '%R~tg:*',
};

/** The commands that a role needs, as an ACL names them. */
export function commandsOf(role: RedisRole): string[] {
  return [...new Set(COMMANDS[role])].sort();
}

/** All rights of a role, as ACL SETUSER takes them. */
export function rightsOf(role: RedisRole): string {
  return [KEYS[role], ...commandsOf(role).map((name) => `+${name}`)].join(' ');
}

/**
 * The user of a role as a line of an ACL file, which has all rights but a password: whoever installs it appends
 * `>password` or `#hash`. No channels, since nothing is published.
 */
export function aclUser(role: RedisRole): string {
  return `user tollgate-${role} on resetkeys resetchannels -@all ${rightsOf(role)}`;
}
