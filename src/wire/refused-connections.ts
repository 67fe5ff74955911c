import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Why a connection is refused or dropped, and what that means, for people. */
const REASONS = {
  plaintext: 'a client speaks without TLS',
  no_certificate: 'a client has no certificate',
  untrusted: 'a client has a certificate that is not believed',
  handshake: 'a TLS handshake failed',
  slow: 'a client connects and asks nothing',
  stuck:
    'a request takes longer than any decision: it is not sent to its end, or its answer is not read',
  resets: 'a client asks, and takes it back, again and again',
  headers: 'a request has more headers than a gate reads',
  crowded: 'there are more connections or requests at once than a gate holds',
} as const;

export type Reason = keyof typeof REASONS;

/** A line of each reason so often: whoever connects in a loop must not fill the log. */
const SAY_EACH_MS = 60_000;

/** Counts connections that a gate does not keep, and says so now and then. */
export function createRefusedConnections(metrics: Metrics, log: Logger) {
  const said = new Map<Reason, number>();
  for (const reason of Object.keys(REASONS)) metrics.refusedConnections.inc({ reason }, 0);
  return (reason: Reason, from: string | undefined, why?: string): void => {
    metrics.refusedConnections.inc({ reason });
    const nowMs = performance.now();
    const lastMs = said.get(reason);
    if (lastMs !== undefined && nowMs - lastMs < SAY_EACH_MS) return;
    said.set(reason, nowMs);
    log.warn(
      { reason, ...(from && { from }), ...(why && { why }) },
      `connections are refused: ${REASONS[reason]}; tollgate_refused_connections_total counts them`,
    );
  };
}
