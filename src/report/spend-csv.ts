import { SPEND_ATTRIBUTES } from '../model/spend.js';
import type { SpendRow } from '../store/spend.js';
import { csvRow } from './csv.js';
import { exactUsd } from './figures.js';

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
  return csvRow([
    day,
    ...SPEND_ATTRIBUTES.map((name) => attributes[name]),
    ...labels.map((label) =>
      Object.hasOwn(attributes.labels, label) ? (attributes.labels[label] ?? '') : '',
    ),
    sums.calls,
    exactUsd(sums.costNano),
    sums.tokensIn,
    sums.tokensOut,
    exactUsd(sums.unsettledNano),
    exactUsd(sums.assumedNano),
    exactUsd(sums.unauthorizedNano),
    sums.denied,
    exactUsd(sums.deniedNano),
  ]);
}
