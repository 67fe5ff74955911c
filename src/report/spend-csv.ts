import { formatDecimal } from '../model/decimal.js';
import { SPEND_ATTRIBUTES } from '../model/spend.js';
import type { SpendRow } from '../store/spend.js';
import { csvRow } from './csv.js';

/** Digits after the point of a sum in USD: nano-dollars. */
export const USD_SCALE = 9;

const SUM_NAMES = [
  'calls',
  'costUsd',
  'tokensIn',
  'tokensOut',
  'unsettledUsd',
  'assumedUsd',
  'unauthorizedUsd',
  'denied',
  'deniedUsd',
] as const;

/** The head of a CSV file of daily spend. @param labels those over which spend is summed */
export function spendHead(labels: readonly string[]): string {
  return csvRow([
    'day',
    ...SPEND_ATTRIBUTES,
    ...labels.map((label) => `labels.${label}`),
    ...SUM_NAMES,
  ]);
}

/** One day of one combination of attributes; money in exact decimals. @param day as its people write it */
export function spendLine(day: string, row: SpendRow, labels: readonly string[]): string {
  const { attributes, sums } = row;
  const usd = (nano: bigint) => formatDecimal(nano, USD_SCALE);
  return csvRow([
    day,
    ...SPEND_ATTRIBUTES.map((name) => attributes[name]),
    ...labels.map((label) =>
      Object.hasOwn(attributes.labels, label) ? (attributes.labels[label] ?? '') : '',
    ),
    sums.calls,
    usd(sums.costNano),
    sums.tokensIn,
    sums.tokensOut,
    usd(sums.unsettledNano),
    usd(sums.assumedNano),
    usd(sums.unauthorizedNano),
    sums.denied,
    usd(sums.deniedNano),
  ]);
}
