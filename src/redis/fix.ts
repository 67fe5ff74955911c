/** What to do about each reason for which a connection cannot be made, the most telling first. */
const FIXES: readonly (readonly [RegExp, string])[] = [
  [/password file/, 'correct TOLLGATE_REDIS_PASSWORD_FILE, or the rights of the file'],
  [
    /^no sentinel names the master: .*(WRONGPASS|NOAUTH)/,
    'correct TOLLGATE_REDIS_SENTINEL_PASSWORD_FILE: sentinels have a password of their own',
  ],
  [
    /WRONGPASS|NOAUTH/,
    'correct the user and password in REDIS_URL, or TOLLGATE_REDIS_USERNAME and TOLLGATE_REDIS_PASSWORD_FILE',
  ],
  [/NOPERM.*'select'/, 'use database 0, or allow the ACL user +select'],
  [/DB index is out of range/, 'correct the database number at the end of REDIS_URL'],
  [
    /NOPERM/,
    'give the ACL user the rights of its file in k8s/acl; tollgate doctor names those that are missing',
  ],
  [
    /^READONLY/,
    'that is a replica now: name the master in REDIS_URL, or use TOLLGATE_REDIS_MODE=sentinel',
  ],
  [
    /^NOREPLICAS/,
    'bring the replicas of Redis back, or lower its min-replicas-to-write, which then loses more at a failover',
  ],
  [
    /^MISCONF/,
    'look at the disk and the log of Redis: it could not save, and writes nothing until it can (stop-writes-on-bgsave-error)',
  ],
  [/^OOM/, 'raise maxmemory: Redis is full and refuses to write'],
  [
    /does not match certificate's altnames/,
    'name Redis in REDIS_URL as its certificate does, or set TOLLGATE_REDIS_SERVER_NAME to a name of the certificate',
  ],
  [
    /certificate has expired/,
    'renew the certificate of Redis (or of the CA in TOLLGATE_REDIS_CA_FILE), and let Redis load it',
  ],
  [
    /certificate is not yet valid/,
    'set the clock of this machine right, or wait until the certificate is valid',
  ],
  [
    /alert (certificate expired|bad certificate|unknown ca|certificate unknown|certificate revoked|unsupported certificate)|decrypt error/,
    'Redis refuses the certificate of this client: renew TOLLGATE_REDIS_CERT_FILE and TOLLGATE_REDIS_KEY_FILE, by a CA that Redis trusts',
  ],
  [
    /alert (certificate required|handshake failure)/,
    'Redis asks for a certificate of this client: set TOLLGATE_REDIS_CERT_FILE and TOLLGATE_REDIS_KEY_FILE',
  ],
  [
    /certificate/,
    'name the file with the CA that has signed the certificate of Redis in TOLLGATE_REDIS_CA_FILE',
  ],
  [
    /does not answer the TLS handshake|wrong version number|packet length too long|unexpected message/,
    'there is no TLS at that port (begin REDIS_URL with redis://, or name the port of Redis that has TLS), or what is there hangs',
  ],
  [/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/, 'correct host and port in REDIS_URL, or start Redis'],
  [/cluster support disabled/, 'set TOLLGATE_REDIS_MODE=single'],
  [/the sentinels name another master/, 'nothing: the connection to that one is made at once'],
  [
    /^sentinel .* which is a replica/,
    'nothing during a failover; if it lasts, that sentinel knows less than the others: look at its network and its log',
  ],
  [/sentinel/i, 'correct TOLLGATE_REDIS_SENTINEL_MASTER and the sentinels in REDIS_URL'],
];

/**
 * What to do about a connection that cannot be made, for people.
 * @param tls whether it is made by TLS
 */
export function fixOf(problem: string, { tls }: { readonly tls: boolean }): string {
  const fix = FIXES.find(([reason]) => reason.test(problem))?.[1];
  if (fix !== undefined) return fix;
  const wants = tls
    ? 'may want a certificate of this client'
    : 'may want TLS (REDIS_URL begins with rediss://), or a certificate of this client';
  return `look at the network between here and Redis; one that closes each connection at once ${wants} (TOLLGATE_REDIS_CERT_FILE and TOLLGATE_REDIS_KEY_FILE)`;
}
