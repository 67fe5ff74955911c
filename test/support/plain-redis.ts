import { connect } from 'node:net';

/** Redis over a bare socket, for processes that start a hundred times: half of a start would be ioredis. */
export interface PlainRedis {
  send(...words: (string | number)[]): Promise<unknown>;
  close(): void;
}

export function connectPlainly(port: number): PlainRedis {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const waiting: { resolve(reply: unknown): void; reject(error: Error): void }[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    for (let read = readReply(bytes, 0); read; read = readReply(bytes, 0)) {
      bytes = bytes.subarray(read.end);
      if (read.reply instanceof Error) waiting.shift()?.reject(read.reply);
      else waiting.shift()?.resolve(read.reply);
    }
  });
  socket.on('error', (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return {
    send(...words) {
      const texts = words.map(String);
      const parts = texts.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`);
      socket.write(`*${parts.length}\r\n${parts.join('')}`);
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    close: () => socket.destroy(),
  };
}

/** The reply of RESP2 that begins at `from`; undefined if not all of it is there yet. */
function readReply(bytes: Buffer, from: number): { reply: unknown; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', from);
  if (lineEnd < 0) return undefined;
  const text = bytes.toString('utf8', from + 1, lineEnd);
  const begin = lineEnd + 2;
  switch (String.fromCharCode(bytes[from] ?? 0)) {
    case '+':
      return { reply: text, end: begin };
    case '-':
      return { reply: new Error(text), end: begin };
    case ':':
      return { reply: Number(text), end: begin };
    case '$': {
      if (text === '-1') return { reply: null, end: begin };
      const end = begin + Number(text);
      if (bytes.length < end + 2) return undefined;
      return { reply: bytes.toString('utf8', begin, end), end: end + 2 };
    }
    case '*': {
      if (text === '-1') return { reply: null, end: begin };
      const reply: unknown[] = [];
      let end = begin;
      for (let left = Number(text); left > 0; left -= 1) {
        const read = readReply(bytes, end);
        if (!read) return undefined;
        reply.push(read.reply);
        end = read.end;
      }
      return { reply, end };
    }
    default:
      throw new Error(`no reply of RESP2: ${bytes.toString('utf8', from, from + 100)}`);
  }
}
