import type { Identity } from '../model/settlement.js';

/**
 * A request that gets an error instead of an answer: its call id is finished or belongs to a different
 * request, its lineage token is forged or none, it claims another identity than its pod is pinned to, or too
 * much waits for Redis to be told already.
 */
export type Refusal =
  | {
      readonly refused: 'finished' | 'mismatched' | 'forged' | 'lineage' | 'full';
      /** What is wrong, where the reason alone does not say it. */
      readonly why?: string;
    }
  | {
      readonly refused: 'identity';
      readonly field: keyof Identity;
      readonly pinned: string;
      readonly claimed: string;
    };
