import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import type { TlsOptions } from './tls.js';

/** How long the other end may take to close after we have. */
const DISCONNECT_MS = 2_000;

const NO_HANDSHAKE = 'the port is open, and does not answer the TLS handshake';

/** Where a stream goes: a host and port, or a unix socket. */
export interface Target {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

/** How the streams of one client are made. */
export interface StreamOptions {
  /** undefined is plain. */
  readonly tls: TlsOptions | undefined;
  /** Why a stream has failed; undefined once one is there. ioredis keeps some of these to itself. */
  readonly onFailure: (error: Error | undefined) => void;
}

/** What has been reached, by its own word; undefined if it does not say. */
export type OnRole = (role: string | undefined) => void;

/** Opens streams: to one node, unless a subclass knows better where to. */
export abstract class StreamConnector extends AbstractConnector {
  readonly #streams: StreamOptions;

  constructor(streams: StreamOptions) {
    super(DISCONNECT_MS);
    this.#streams = streams;
  }

  /** Where to now? */
  protected abstract target(): Promise<Target>;

  async connect(): Promise<Socket> {
    this.connecting = true;
    const target = await this.target();
    if (!this.connecting) throw new Error('Connection is closed.');
    const { tls, onFailure } = this.#streams;
    const stream = tls
      ? connectTls({ ...target, ...tls(target.host) })
      : connectPlain({ ...target, port: target.port ?? 0 });
    this.stream = stream;
    // A Redis without TLS waits for more: it is its silence that tells.
    if (tls) stream.once('connect', () => onFailure(new Error(NO_HANDSHAKE)));
    stream.once(tls ? 'secureConnect' : 'connect', () => onFailure(undefined));
    stream.on('error', (error) => {
      this.firstError = error;
      onFailure(error);
    });
    return stream;
  }
}

/**
 * The connector of a client of one node, as ioredis wants it: a class that is given the client's options.
 * @param onRole is told at each connect whether that is a master or a replica
 */
export function nodeConnector(
  streams: StreamOptions,
  onRole: OnRole = () => {},
): new (
  options: unknown,
) => StreamConnector {
  return class extends StreamConnector {
    readonly #target: Target;

    constructor(options: unknown) {
      super(streams);
      const { host, port, path } = options as Target;
      this.#target =
        path === undefined || path === null
          ? { host: host ?? '127.0.0.1', port: port ?? 6379 }
          : { path };
    }

    override check({ role }: { role?: string }): boolean {
      onRole(role);
      return true;
    }

    protected override async target(): Promise<Target> {
      return this.#target;
    }
  };
}
