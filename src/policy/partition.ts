import { type Attribute, attributeOf, type Call } from '../model/call.js';

/** The partition of a rule with `per: []`. */
export const WHOLE_DOMAIN = 'all';

/** What stands for an absent value; a value that reads so is escaped, so that it is another one. */
const ABSENT = 'none';

/**
 * The partition of a call: `agent=customer-support-v2,tool=search`. In values `%` and `,` are
 * percent-encoded, so different values never make the same partition.
 */
export function partitionOf(call: Call, per: readonly Attribute[]): string {
  if (per.length === 0) return WHOLE_DOMAIN;
  let partition = '';
  for (const attribute of per) {
    if (partition !== '') partition += ',';
    partition += `${attribute}=${encodeValue(attributeOf(call, attribute))}`;
  }
  return partition;
}

/** The value as a part of a partition or the name of a domain. */
export function encodeValue(value: string): string {
  if (value === '') return ABSENT;
  if (value === ABSENT) return '%6Eone';
  return /[%,]/.test(value) ? value.replace(/[%,]/g, encodeURIComponent) : value;
}
