import type { Span } from '../store/question.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Windows remembered at once; past that the oldest are forgotten, and may raise once more. */
const MAX_REMEMBERED = 10_000;

/** A threshold that a call has reached. */
export interface Raised {
  readonly ruleId: string;
  readonly partition: string;
  /** Of the limit. */
  readonly share: number;
  /** In the unit of the metric. */
  readonly amount: number;
  readonly atUs: number;
  /** Not raised again before then. */
  readonly quietUntilUs: number;
}

/** Until when what is raised in a window is quiet: for its length, or until its period is over. */
export function quietUntilUs(span: Span, atUs: number): number {
  return 'windowUs' in span ? atUs + span.windowUs : span.edgesUs[2];
}

/** Says in log and metric what was raised. `fields` tell of the call. */
export type Announce = (raised: Raised, fields: object) => void;

/**
 * Says each threshold once in a window. An admission stores in Redis what it has raised; a denial
 * writes nothing there, so each sidecar remembers for itself, for the length of the window.
 */
export function createAnnouncer(metrics: Metrics, log: Logger): Announce {
  const quiet = new Map<string, number>();
  return ({ ruleId, partition, share, amount, atUs, quietUntilUs }, fields) => {
    const key = `${ruleId} ${share} ${Math.ceil(amount)} ${partition}`;
    if ((quiet.get(key) ?? 0) > atUs) return;
    quiet.delete(key);
    quiet.set(key, quietUntilUs);
    const [oldest = ''] = quiet.keys();
    if (quiet.size > MAX_REMEMBERED) quiet.delete(oldest);
    metrics.thresholdsRaised.inc({ rule: ruleId, threshold: String(share) });
    log.warn(
      { ...fields, rule: ruleId, partition, threshold: share },
      `${ruleId}: ${partition} has reached ${share * 100}% of its limit`,
    );
  };
}
