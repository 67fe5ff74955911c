import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * A connection that takes so many bytes from a client and no more: what is beyond ends it before anybody reads it. A
 * parser that is given a packet full of tiny requests has begun all of them before it can be stopped.
 */
export class BoundedSocket extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket, maxBytes: number) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (chunk) => {
      if (socket.bytesRead > maxBytes) socket.destroy();
      else if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    // Without a listener, a connection that is reset ends the process.
    socket.on('error', () => {});
    socket.on('close', () => this.destroy());
    this.on('error', () => {});
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void) {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void) {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#socket.destroy();
    done(error);
  }
}
