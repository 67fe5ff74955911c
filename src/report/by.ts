import { LABEL_PREFIX } from '../model/call.js';
import { SPEND_ATTRIBUTES, type SpendAttribute, type SpendAttributes } from '../model/spend.js';
import { parseGlob } from '../policy/glob.js';
import type { Only } from './gather.js';

/** What spend can be told apart by. */
export type By = SpendAttribute | `${typeof LABEL_PREFIX}${string}`;

/** For people, and as the options of commands have it: absent is `none`. */
export const NONE = 'none';

/** `agent`, `team,model`, `cost-centre`, `labels.customer`; what is wrong with it where it is none. */
export function parseBy(text: string, labels: readonly string[]): By[] | { problem: string } {
  const by: By[] = [];
  for (const name of text.split(',').map((part) => part.trim())) {
    const attribute = SPEND_ATTRIBUTES.find(
      (known) => known === name || optionOf(known) === name.toLowerCase(),
    );
    const label = name.startsWith(LABEL_PREFIX) ? name.slice(LABEL_PREFIX.length) : undefined;
    if (label !== undefined && !labels.includes(label)) return unknownLabel(label, labels);
    const found =
      attribute ?? (label === undefined ? undefined : (`${LABEL_PREFIX}${label}` as By));
    if (found === undefined) {
      const all = [...SPEND_ATTRIBUTES, ...labels.map((known) => `${LABEL_PREFIX}${known}`)];
      return {
        problem: `"${name}" is nothing that spend is summed by; there is ${all.join(', ')}`,
      };
    }
    if (!by.includes(found)) by.push(found);
  }
  return by;
}

function unknownLabel(label: string, labels: readonly string[]): { problem: string } {
  const known = labels.length === 0 ? 'none' : labels.join(', ');
  return {
    problem: `spend is not summed by the label "${label}" (only by: ${known}); name it under ledger.labels in the policy, and it is from then on`,
  };
}

/** As an option of a command: `cost-centre`. */
export function optionOf(attribute: SpendAttribute): string {
  return attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What the attributes have for it; '' if nothing. */
export function attributeOfSpend(attributes: SpendAttributes, by: By): string {
  if (!by.startsWith(LABEL_PREFIX)) return attributes[by as SpendAttribute];
  const name = by.slice(LABEL_PREFIX.length);
  return Object.hasOwn(attributes.labels, name) ? (attributes.labels[name] ?? '') : '';
}

/** Only spend whose attributes match these globs, each of them; `none` is the absent value. */
export function parseFilters(
  filters: readonly (readonly [By, string])[],
): Only | undefined | { problem: string } {
  const tests: Only[] = [];
  for (const [by, pattern] of filters) {
    const glob = parseGlob(pattern);
    if (typeof glob === 'string') return { problem: `the ${by} "${pattern}" ${glob}` };
    tests.push((attributes) => glob(attributeOfSpend(attributes, by) || NONE));
  }
  return tests.length === 0
    ? undefined
    : (attributes) => tests.every((matches) => matches(attributes));
}
