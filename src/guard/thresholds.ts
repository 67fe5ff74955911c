import type { Call } from '../model/call.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Windows remembered at once; past that the oldest are forgotten, and may raise once more. */
const MAX_REMEMBERED = 10_000;

/** A threshold that a call has reached. */
export interface Raised {
  /** Who made the call. */
  readonly who: Pick<Call, 'agent' | 'team'>;
  readonly ruleId: string;
  readonly partition: string;
  /** Of the limit. */
  readonly share: number;
  /** In the unit of the metric. */
  readonly amount: number;
  /** When it was reached, and until when that needs no second word, in µs. */
  readonly atUs: number;
  readonly untilUs: number;
}

/**
 * Says in log and metric what was raised. `fields` tell of the call.
 * @returns false if it had been said before
 */
export type Announce = (raised: Raised, fields: object) => boolean;

/**
 * Says each threshold once in a window. An admission stores in Redis what it has raised; a denial
 * writes nothing there, so each sidecar remembers for itself, for the length of the window.
 */
export function createAnnouncer(metrics: Metrics, log: Logger): Announce {
  const quietUntilUs = new Map<string, number>();
  return ({ who, ruleId, partition, share, amount, atUs, untilUs }, fields) => {
    const key = `${ruleId} ${share} ${Math.ceil(amount)} ${partition}`;
    if ((quietUntilUs.get(key) ?? 0) > atUs) return false;
    quietUntilUs.delete(key);
    quietUntilUs.set(key, untilUs);
    const [oldest = ''] = quietUntilUs.keys();
    if (quietUntilUs.size > MAX_REMEMBERED) quietUntilUs.delete(oldest);
    const { agent, team } = who;
    metrics.thresholdsRaised.inc({ agent, team, rule: ruleId, threshold: String(share) });
    log.warn(
      { ...fields, rule: ruleId, partition, threshold: share },
      `${ruleId}: ${partition} has reached ${share * 100}% of its limit`,
    );
    return true;
  };
}
