/** Whose value is counted together with others', because a family has its most series already. */
export const OTHER = 'other';

/**
 * Labels whose values come from agents, and so without end: past the bound of a family they become
 * {@link OTHER}. All others come from the policy or from this program, which bound them.
 */
const CHOSEN: ReadonlySet<string> = new Set([
  'agent',
  'team',
  'cost_centre',
  'tool',
  'model',
  'partition',
]);

/** The labels of one series. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** A family of series, as it is declared in the catalogue. */
export interface Family<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  /** The most series, those of OTHER included. */
  readonly maxSeries: number;
  /** Told of what went to OTHER, or nowhere. */
  overflow(times: number): void;
}

/** No label has a control character, so this parts them. */
const SEPARATOR = '\n';

/** The label values in one text: the name of a series within its family. */
export function keyOf<L extends string>(names: readonly L[], labels: Labels<L>): string {
  let key = '';
  for (const name of names) key += labels[name] + SEPARATOR;
  return key;
}

/** The labels of a family that are not chosen by agents. */
export function keptNames<L extends string>(names: readonly L[]): readonly L[] {
  return names.filter((name) => !CHOSEN.has(name));
}

/** Do agents choose a label of the family, so that it needs a bound? */
export function isBounded(names: readonly string[]): boolean {
  return names.some((name) => CHOSEN.has(name));
}

/** The same labels, with OTHER for what an agent has chosen. */
export function otherLabels<L extends string>(names: readonly L[], labels: Labels<L>): Labels<L> {
  const entries = names.map((name) => [name, CHOSEN.has(name) ? OTHER : labels[name]]);
  return Object.fromEntries(entries) as Labels<L>;
}

/** The labels of the family alone, in its order. */
export function ownLabels<L extends string>(names: readonly L[], labels: Labels<L>): Labels<L> {
  return Object.fromEntries(names.map((name) => [name, labels[name]])) as Labels<L>;
}
