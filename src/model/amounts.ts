import { formatUsd } from './money.js';

/** What a rule counts. The order is that of the numbers in lua/include/record.lua. */
export const METRICS = [
  'calls',
  'estimated_cost_usd',
  'tokens',
  'tokens_in',
  'tokens_out',
] as const;
export type Metric = (typeof METRICS)[number];

/**
 * Where the cost of a call comes from: the caller; nobody (it counts as 0); tokens times a price of
 * the built-in table, of the policy, or the one that the policy assumes for a model without a price;
 * the policy's price of the tool; what the call held, because its settlement told nothing.
 */
export const COST_SOURCES = [
  'caller',
  'none',
  'table',
  'policy',
  'tool',
  'assumed',
  'held',
] as const;
export type CostSource = (typeof COST_SOURCES)[number];

/** How much of each metric one call asks for, holds or has used, in whole nano-dollars and tokens. */
export interface Amounts {
  readonly costNano: number;
  readonly costSource: CostSource;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** Nothing at all, and nobody gave a cost. */
export const NOTHING: Amounts = Object.freeze({
  costNano: 0,
  costSource: 'none',
  tokensIn: 0,
  tokensOut: 0,
});

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

const UNITS: Readonly<Record<Metric, string>> = {
  calls: ' calls',
  estimated_cost_usd: '',
  tokens: ' tokens',
  tokens_in: ' input tokens',
  tokens_out: ' output tokens',
};

/** For people, without its unit but for dollars: "50", "$50.00". */
export function formatAmount(amount: number, metric: Metric): string {
  return metric === 'estimated_cost_usd' ? formatUsd(amount) : String(amount);
}

/** For people: "50 calls", "$50.00". */
export function formatMetric(amount: number, metric: Metric): string {
  return `${formatAmount(amount, metric)}${UNITS[metric]}`;
}
