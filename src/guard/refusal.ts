/**
 * A request that gets an error instead of an answer: its call id is finished or belongs to a different
 * request, its lineage token is forged or none, or too much waits for Redis to be told already.
 */
export interface Refusal {
  readonly refused: 'finished' | 'mismatched' | 'forged' | 'lineage' | 'full';
  /** What is wrong, where the reason alone does not say it. */
  readonly why?: string;
}
