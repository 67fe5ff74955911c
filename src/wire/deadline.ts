import type { Deadline } from '@grpc/grpc-js';
import { monotonicMs } from '../redis/deadline.js';

/** No decision takes longer: a call waits for it, and Redis answers in under one. */
export const DECISION_MS = 50;

/** Left for the answer to travel back before the caller gives up. */
const RETURN_MS = 5;

/** When a decision must be made, on the monotonic clock, for a caller with this gRPC deadline. */
export function deadlineOf(caller: Deadline): number {
  const remainingMs = Number(caller) - Date.now() - RETURN_MS;
  return monotonicMs() + Math.min(DECISION_MS, remainingMs);
}
