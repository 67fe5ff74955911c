import { createHash } from 'node:crypto';
import { SPEND_ATTRIBUTES, type SpendAttributes } from '../model/spend.js';

/** What stands for attributes that are too many to be told apart. */
export const OTHER = 'other';

/** Attributes as JSON, the same for the same ones: in one order, and without what is absent. */
export function formatAttributes(attributes: SpendAttributes): string {
  const present: Record<string, unknown> = {};
  for (const name of SPEND_ATTRIBUTES) {
    if (attributes[name] !== '') present[name] = attributes[name];
  }
  const labels = Object.keys(attributes.labels).sort();
  if (labels.length > 0) {
    // Pairs, since an object would put names that look like numbers in an order of its own.
    present['labels'] = labels.map((name) => [name, attributes.labels[name]]);
  }
  return JSON.stringify(present);
}

/** The attributes that {@link formatAttributes} has written. */
export function parseAttributes(text: string): SpendAttributes {
  const { labels = [], ...present } = JSON.parse(text) as Record<string, string> & {
    labels?: [string, string][];
  };
  const named = Object.fromEntries(SPEND_ATTRIBUTES.map((name) => [name, present[name] ?? '']));
  return { ...named, labels: Object.fromEntries(labels) } as SpendAttributes;
}

/** What finds the number of attributes: 96 bits of a hash, a tenth of the memory of the attributes. */
export function digestOfAttributes(text: string): string {
  return createHash('sha1').update(text).digest('base64url').slice(0, 16);
}

/** What is left of attributes when they are too many: who spends, or nothing. */
export function coarse(attributes: SpendAttributes, keep: 'who' | 'nothing'): SpendAttributes {
  const { agent, team, costCentre } =
    keep === 'who' ? attributes : { agent: OTHER, team: OTHER, costCentre: OTHER };
  const none = { model: '', provider: '', operation: '', rootAgent: '', labels: {} };
  return { agent, team, costCentre, tool: OTHER, ...none };
}
