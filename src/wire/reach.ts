import { unreadable } from '../model/secret-path.js';
import { isReadable } from '../redis/secret-file.js';
import type { TlsFiles } from './certificates.js';
import { isLocal, type ListenAddress } from './listen.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The files of TLS, from the environment; what is wrong with them is added to `problems`. */
export function readTls(env: Environment, problems: string[]): TlsFiles | undefined {
  const [certFile = '', keyFile = '', clientCaFile = ''] = ['CERT', 'KEY', 'CLIENT_CA'].map(
    (what) => {
      const name = `TOLLGATE_TLS_${what}_FILE`;
      const file = env[name] || undefined;
      if (file !== undefined && !isReadable(file)) problems.push(`${name}: ${unreadable(file)}`);
      return file;
    },
  );
  if ((certFile === '') !== (keyFile === '')) {
    problems.push(
      'TOLLGATE_TLS_CERT_FILE and TOLLGATE_TLS_KEY_FILE belong together: set the other one too',
    );
  } else if (certFile === '' && clientCaFile !== '') {
    problems.push(
      'TOLLGATE_TLS_CLIENT_CA_FILE asks clients for certificates, which needs one of the gate: set TOLLGATE_TLS_CERT_FILE and TOLLGATE_TLS_KEY_FILE',
    );
  }
  if (certFile === '' || keyFile === '') return undefined;
  return { certFile, keyFile, clientCaFile: clientCaFile || undefined };
}

/** What is wrong with who reaches a gate there. @param meant somebody has said that this is how it is to be */
export function reachProblems(
  listen: ListenAddress,
  tls: TlsFiles | undefined,
  meant: boolean,
): string[] {
  if (tls && 'path' in listen) {
    return [
      'TOLLGATE_LISTEN is a unix socket, which never leaves this machine, and clients speak no TLS on it: leave out TOLLGATE_TLS_CERT_FILE',
    ];
  }
  if (isLocal(listen) || tls?.clientCaFile !== undefined || meant) return [];
  return [
    tls
      ? 'TOLLGATE_LISTEN is not on the loopback, and TLS alone hides what is said, but asks nobody who they are: anyone who reaches it can spend; set TOLLGATE_TLS_CLIENT_CA_FILE, or TOLLGATE_INSECURE=1 if something else keeps others out'
      : 'TOLLGATE_LISTEN is not on the loopback, where anyone who reaches it can spend; set TOLLGATE_TLS_CERT_FILE, TOLLGATE_TLS_KEY_FILE and TOLLGATE_TLS_CLIENT_CA_FILE, or TOLLGATE_INSECURE=1 if that is meant',
  ];
}
