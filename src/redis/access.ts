/**
 * What lets a connection in, beside the address. Files are read anew at every connect, so that they can be
 * rotated, by cert-manager or by hand, without a restart.
 */
export interface RedisAccess {
  /** Name of the master that the sentinels watch. */
  readonly sentinelMaster: string;
  readonly passwordFile: string | undefined;
  /** Sentinels have passwords of their own, or none. */
  readonly sentinelPasswordFile: string | undefined;
  /** The CA that has signed the certificate of Redis; undefined trusts those that Node trusts. */
  readonly caFile: string | undefined;
  /** The certificate that this client shows, and its key: both or none. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  /** The name that is asked for (SNI), and that the certificate must have; '' is the host of the address. */
  readonly serverName: string;
}

/** What a connection to an engine of this process needs. */
export const NO_ACCESS: RedisAccess = {
  sentinelMaster: '',
  passwordFile: undefined,
  sentinelPasswordFile: undefined,
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  serverName: '',
};
