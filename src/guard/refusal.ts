/**
 * A request that gets an error instead of an answer: its call id is finished or belongs to a different
 * request, or its lineage token is forged or none.
 */
export interface Refusal {
  readonly refused: 'finished' | 'mismatched' | 'forged' | 'lineage';
  /** What is wrong, where the reason alone does not say it. */
  readonly why?: string;
}
