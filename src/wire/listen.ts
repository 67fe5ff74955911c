import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

/** Where a server listens: `host:port`, or `unix:///path`. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** @returns the address, or a sentence that says what is wrong with the text */
export function parseListen(text: string): ListenAddress | string {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix://'.length);
    if (!text.startsWith('unix:///')) return `"${text}" must be unix:///path, with three slashes`;
    // The kernel's limit for a socket's path, its closing zero included.
    return Buffer.byteLength(path) < 108 ? { path } : `"${text}" has a path over 107 bytes`;
  }
  // It may be a password, which is not repeated.
  if (text.includes('@'))
    return 'an address has no user and no password: leave out what ends with @';
  const parts = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/.exec(text);
  if (!parts?.[1] || Number(parts[2]) > 65535) return `"${text}" must be host:port or unix:///path`;
  return { host: parts[1].replace(/^\[|\]$/g, ''), port: Number(parts[2]) };
}

/** As gRPC and people write it. */
export function formatListen(address: ListenAddress): string {
  if ('path' in address) return `unix://${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Can only this machine (this pod) reach it? */
export function isLocal(address: ListenAddress): boolean {
  if ('path' in address) return true;
  return /^(127(\.\d{1,3}){3}|::1|localhost)$/.test(address.host);
}

/**
 * Removes the socket that a killed server left behind.
 * @throws if a server still answers on it, or if it is no socket
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return;
  // Connecting to a plain file is refused as to a stale socket; it is somebody's file.
  if (!there.isSocket()) throw new Error(`${path} exists and is no socket`);
  const state = await new Promise<'alive' | 'stale' | 'absent'>((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve('absent');
      else if (error.code === 'ECONNREFUSED') resolve('stale');
      else reject(error);
    });
  });
  if (state === 'alive') throw new Error(`another process listens on ${path}`);
  if (state === 'stale') unlinkSync(path);
}

/** In a pod the agent is another user. As on the loopback, whoever gets there may call; the folder says who does. */
const SOCKET_MODE = 0o666;

/** Lets any user connect who can enter the folder of the socket: to connect, one must be able to write to it. */
export function openSocket(path: string): void {
  chmodSync(path, SOCKET_MODE);
}
