import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import {
  type Certificates,
  followCertificates,
  readCertificates,
  type TlsFiles,
} from './certificates.js';

/** The certificates that a gate shows, which change when their files do. */
export interface LiveTls {
  readonly current: Certificates;
  /** Told of each that takes effect. A bad one does not: the one before it stays. */
  follow(show: (next: Certificates) => void): void;
  close(): void;
}

/** @throws if the files are no good: there is nothing to keep yet */
export function openTls(files: TlsFiles, metrics: Metrics, log: Logger): LiveTls {
  const current = readCertificates(files);
  if (typeof current === 'string') throw new Error(`the TLS files are refused: ${current}`);
  note(current);
  if (current.endsAtMs <= Date.now()) {
    log.error(
      ends(current),
      'the certificate of this gate has ended: no client will believe it; renew it',
    );
  }
  let close = () => {};
  return {
    current,
    follow(show) {
      const following = followCertificates(files, current, (next) => {
        if (typeof next === 'string') {
          metrics.tlsReloadOk.set([{ labels: {}, value: 0 }]);
          log.error(
            { why: next },
            'the new TLS files are refused, the certificate before them is still shown',
          );
          return;
        }
        note(next);
        show(next);
        log.info(ends(next), 'the TLS files were read: new connections are shown them');
      });
      close = following.close;
    },
    close: () => close(),
  };

  function note({ endsAtMs, clientCaEndsAtMs }: Certificates): void {
    metrics.tlsReloadOk.set([{ labels: {}, value: 1 }]);
    metrics.tlsExpiry.set([
      { labels: { certificate: 'server' }, value: endsAtMs / 1_000 },
      ...(clientCaEndsAtMs === undefined
        ? []
        : [{ labels: { certificate: 'client_ca' }, value: clientCaEndsAtMs / 1_000 }]),
    ]);
  }
}

function ends({ endsAtMs }: Certificates) {
  return { ends: new Date(endsAtMs).toISOString() };
}
