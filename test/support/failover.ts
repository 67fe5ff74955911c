import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { DECISION_MS } from '../../src/store/line.js';
import { readEntries } from './stream.js';
import { type LoadedCall, latestMs } from './under-load.js';

/** Beyond a decision's deadline: reading the request, writing the answer. */
const ANSWER_MS = 20;

/** What a replica may lack of its master, at most: it gets each write at once, on a machine that is busy. */
const BEHIND_MS = 1_000;

/** What a failover has come to. */
export interface AfterFailover {
  readonly allowed: number;
  /** Told ALLOW by the master of before, and not known to the one that follows. */
  readonly lost: number;
  readonly degraded: number;
  readonly latestMs: number;
}

/**
 * Holds what was told against what is known afterwards: each ALLOW is in the ledger, but for those just before the kill
 * that were not replicated, and those of a master that goes on until it is left; those that are in it are within the limit; no answer came late.
 * @param killedMs when the master was killed or replaced, by performance.now
 * @param leftMs how long after that it may still be asked: 0 if it was killed
 */
export async function assertWithinPromise(
  calls: readonly LoadedCall[],
  {
    client,
    ledger,
    limit,
    killedMs,
    leftMs = 0,
  }: { client: Redis; ledger: string; limit: number; killedMs: number; leftMs?: number },
): Promise<AfterFailover> {
  const entries = readEntries(await client.xrange(ledger, '-', '+'));
  const known = new Set<string>();
  // They are final: settled as they are admitted. What nobody was told of is taken back.
  for (const entry of entries) {
    if (entry.kind === 'settled') known.add(entry.facts.callId);
    if (entry.kind === 'withdrawn') known.delete(entry.facts.callId);
  }
  const allowed = calls.filter(({ decision }) => decision.verdict === 'VERDICT_ALLOW');
  const lost = allowed.filter(({ callId }) => !known.has(callId));
  assert.ok(known.size <= limit, `${known.size} of ${limit} were admitted`);
  assert.ok(allowed.length - lost.length <= limit, `${allowed.length} were told ALLOW`);
  for (const { callId, atMs, decision } of lost) {
    const aheadMs = killedMs - atMs;
    assert.equal(decision.degraded, false, `${callId}: only Redis allows`);
    assert.ok(
      aheadMs >= -leftMs && aheadMs < BEHIND_MS,
      `${callId}, ${aheadMs.toFixed(1)} ms before the kill, is not in the ledger`,
    );
  }
  const latest = latestMs(calls, DECISION_MS);
  assert.ok(latest <= ANSWER_MS, `an answer came ${latest.toFixed(1)} ms after its deadline`);
  return {
    allowed: allowed.length,
    lost: lost.length,
    degraded: calls.filter(({ decision }) => decision.degraded).length,
    latestMs: latest,
  };
}
