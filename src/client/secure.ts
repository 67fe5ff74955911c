import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { unreadable } from '../model/secret-path.js';

/** What a client needs for TLS; each is a file of PEM. */
export interface ClientTls {
  /** Of whom the sidecar's certificate is; undefined trusts what Node trusts. */
  readonly caFile: string | undefined;
  /** The client's own, for a sidecar that asks for one. */
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export const NO_FILES: ClientTls = { caFile: undefined, certFile: undefined, keyFile: undefined };

/** How often it is looked whether they have changed: certificates live for hours, and are renewed long before. */
const LOOK_MS = 2_000;

interface Kept {
  lookedAtMs: number;
  seen: string;
  readonly context: SecureContext;
  readonly credentials: ChannelCredentials;
}

/** gRPC shares a connection between channels whose credentials are the same object. */
const kept = new Map<string, Kept>();

/**
 * What TLS means for an address, and the address as gRPC takes it.
 * @throws if it holds a login, which gRPC would take for a part of the host, and repeat
 */
export function withoutScheme(address: string): { target: string; secure: boolean } {
  if (!address.startsWith('unix:') && address.includes('@')) {
    throw new Error(
      'the address of a sidecar has no user and no password: leave out what ends with @',
    );
  }
  const secure = address.startsWith('tls://');
  return { target: secure ? address.slice('tls://'.length) : address, secure };
}

/**
 * The credentials of these files as they are now; the same object until they change.
 * @throws if they cannot be used, and never could
 */
export function secureCredentials(files: ClientTls): ChannelCredentials {
  return look(files).credentials;
}

/** The same, as a socket takes them. */
export function secureContext(files: ClientTls): SecureContext {
  return look(files).context;
}

function look(files: ClientTls): Kept {
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    throw new Error(`a client's certificate and its key belong together: give both`);
  }
  const name = Object.values(files).join('\n');
  const before = kept.get(name);
  const nowMs = performance.now();
  if (before && nowMs - before.lookedAtMs < LOOK_MS) return before;
  try {
    const seen = Object.values(files).map(stateOf).join('\n');
    if (before) before.lookedAtMs = nowMs;
    if (before?.seen === seen) return before;
    const context = createSecureContext({
      ...pem('ca', files.caFile),
      ...pem('cert', files.certFile),
      ...pem('key', files.keyFile),
    });
    const next = {
      ...{ lookedAtMs: nowMs, seen, context },
      credentials: credentials.createFromSecureContext(context),
    };
    kept.set(name, next);
    return next;
  } catch (error) {
    // Half-way through a renewal; the next look finds the rest.
    if (before) return before;
    const missing = Object.values(files).find((file) => file !== undefined && !isReadable(file));
    const message =
      missing !== undefined
        ? unreadable(missing)
        : error instanceof Error
          ? error.message
          : String(error);
    throw new Error(`the TLS files of the client are refused: ${message}`);
  }
}

function pem(option: 'ca' | 'cert' | 'key', file: string | undefined) {
  return file === undefined ? {} : { [option]: readFileSync(file) };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function stateOf(file: string | undefined): string {
  if (file === undefined) return '';
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}
