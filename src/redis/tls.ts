import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import type { RedisAccess } from './access.js';
import { type OnFileProblem, saidOnce } from './secret-file.js';

type TlsFiles = Pick<RedisAccess, 'caFile' | 'certFile' | 'keyFile'>;

/** How to speak TLS with a host, at this moment. It never throws: ioredis would never try again. */
export type TlsOptions = (host: string | undefined) => ConnectionOptions;

export function tlsOptions(access: RedisAccess, onProblem: OnFileProblem): TlsOptions {
  const context = rotatedContext(access, onProblem);
  return (host) => {
    // Node asks for no name by itself, and an endpoint that many share then shows the certificate of another.
    const name = access.serverName || (host !== undefined && isIP(host) === 0 ? host : undefined);
    return { secureContext: context(), ...(name !== undefined && { servername: name }) };
  };
}

/** Why these files are no CA, certificate and key of TLS; undefined if they are. */
export function tlsFilesProblem(files: TlsFiles): string | undefined {
  try {
    makeContext(readFiles(files));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The context of the files as they are now; where they are missing or do not fit together, as they were last. */
function rotatedContext(files: TlsFiles, onProblem: OnFileProblem): () => SecureContext {
  const say = saidOnce('the certificates for Redis', onProblem);
  let last: { text: string; context: SecureContext } | undefined;
  return () => {
    try {
      const read = readFiles(files);
      const text = JSON.stringify(read);
      if (last?.text !== text) last = { text, context: makeContext(read) };
      say(undefined);
    } catch (error) {
      say(reasonOf(error));
    }
    // One that trusts nobody, so that the handshake fails, and is tried again.
    return last?.context ?? createSecureContext({ ca: [] });
  };
}

interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

function readFiles({ caFile, certFile, keyFile }: TlsFiles): TlsTexts {
  const text = (file: string) => readFileSync(file, 'utf8');
  return {
    ...(caFile !== undefined && { ca: text(caFile) }),
    ...(certFile !== undefined && { cert: text(certFile) }),
    ...(keyFile !== undefined && { key: text(keyFile) }),
  };
}

function makeContext(texts: TlsTexts): SecureContext {
  // Node takes a CA without a certificate in it for one that trusts nobody, and says nothing.
  if (texts.ca !== undefined && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(texts.ca)) {
    throw new Error('the CA file has no certificate (PEM)');
  }
  return createSecureContext(texts);
}

/** OpenSSL's own words, without its numbers. They name no secret. */
export function reasonOf(error: unknown): string {
  const { message, code, reason } = error as Error & { code?: string; reason?: string };
  return code?.startsWith('ERR_OSSL') || code?.startsWith('ERR_SSL')
    ? `TLS: ${reason ?? message}`
    : message;
}
