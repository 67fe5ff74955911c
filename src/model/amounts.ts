/** What a rule counts. */
export const METRICS = [
  'calls',
  'estimated_cost_usd',
  'tokens',
  'tokens_in',
  'tokens_out',
] as const;
export type Metric = (typeof METRICS)[number];

/** Where the cost of a call comes from; with `none`, money rules are checked with 0. */
export type CostSource = 'caller' | 'none';

/** How much of each metric one call asks for, in whole numbers: nano-dollars and tokens. */
export interface Amounts {
  readonly costNano: number;
  readonly costSource: CostSource;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** How much of one metric the call asks for. */
export function amountOf(amounts: Amounts, metric: Metric): number {
  switch (metric) {
    case 'calls':
      return 1;
    case 'estimated_cost_usd':
      return amounts.costNano;
    case 'tokens':
      return amounts.tokensIn + amounts.tokensOut;
    case 'tokens_in':
      return amounts.tokensIn;
    case 'tokens_out':
      return amounts.tokensOut;
  }
}
