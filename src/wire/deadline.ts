import type { Deadline } from '@grpc/grpc-js';
import { monotonicMs } from '../redis/deadline.js';

/** Left for the answer to travel back before the caller gives up. */
const RETURN_MS = 5;

/** When a decision that may take so long must be made, on the monotonic clock, for a caller with this gRPC deadline. */
export function deadlineOf(caller: Deadline, decisionMs: number): number {
  const remainingMs = Number(caller) - Date.now() - RETURN_MS;
  return monotonicMs() + Math.min(decisionMs, remainingMs);
}
