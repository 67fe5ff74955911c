/** Keys that all of Tollgate's begin with, as an ACL names them. */
const KEYS = '~tg:*';

/** The commands that a gate needs, in its scripts and beside them. */
const GATE_COMMANDS = [
  ...['eval', 'evalsha', 'time', 'info', 'get', 'set', 'del', 'exists', 'expire', 'mget', 'sadd'],
  ...['hget', 'hset', 'hsetnx', 'hmget', 'hdel', 'hlen', 'hgetall'],
  ...['xadd', 'xrange', 'xrevrange'],
];

/** What keepers, and the commands that answer, need besides. */
const KEEPER_COMMANDS = [
  ...[
    'smembers',
    'hscan',
    'xinfo',
    'xtrim',
    'rpush',
    'ltrim',
    'pexpire',
    'pexpireat',
    'zadd',
    'zrem',
    'zscore',
  ],
  ...['zcard', 'zrange', 'zrangebyscore', 'zremrangebyscore', 'zremrangebyrank'],
];

/** Rights of an ACL user, as ACL SETUSER takes them: of a gate, and what a keeper needs besides. */
export const GATE_RIGHTS = [KEYS, ...GATE_COMMANDS.map((name) => `+${name}`)].join(' ');
export const KEEPER_RIGHTS = KEEPER_COMMANDS.map((name) => `+${name}`).join(' ');
