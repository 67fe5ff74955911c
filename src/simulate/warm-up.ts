import type { Policy } from '../policy/policy.js';
import { spanOf } from '../policy/window.js';

/**
 * Where to begin so that at `fromMs` the policy's windows hold what they would have held: the longest of
 * them before it, or the start of the calendar period that it is in.
 */
export function warmUpFromMs(policy: Policy, fromMs: number): number {
  const fromUs = fromMs * 1000;
  const starts = policy.rules.map(({ rateLimit }) => {
    if (!rateLimit) return fromUs;
    const span = spanOf(rateLimit.window, fromUs);
    // A slice more: the oldest slice counts whole.
    return 'windowUs' in span ? fromUs - span.windowUs * (1 + 1 / 60) : span.edgesUs[1];
  });
  // A call may have been admitted before, and still hold its estimate.
  const holdUs = policy.holdForUs + policy.settleForUs;
  return Math.floor((Math.min(fromUs, ...starts) - holdUs) / 1000);
}
