import { type Attribute, attributeOf, type Call } from '../model/call.js';
import { type Glob, parseGlob } from './glob.js';

/** One entry of a rule's `match`. */
export interface Condition {
  readonly attribute: Attribute | 'depth';
  /** As the file has it, for people. */
  readonly patterns: readonly string[];
  readonly holds: (call: Call) => boolean;
}

/**
 * A list of globs over an attribute; a leading `!` excludes.
 * An absent attribute is matched by no glob; exclusions alone do not let it escape the rule.
 * @returns the condition, or what is wrong with the pattern at `index`
 */
export function parseGlobs(
  attribute: Attribute,
  patterns: readonly string[],
): Condition | { index: number; problem: string } {
  const matches = parseGlobList(patterns);
  if ('problem' in matches) return matches;
  return { attribute, patterns, holds: (call) => matches(attributeOf(call, attribute)) };
}

/** Globs over a value, as {@link parseGlobs} has them over an attribute; '' is an absent value. */
export function parseGlobList(
  patterns: readonly string[],
): Glob | { index: number; problem: string } {
  const included: Glob[] = [];
  const excluded: Glob[] = [];
  for (const [index, pattern] of patterns.entries()) {
    const excludes = pattern.startsWith('!');
    const glob = parseGlob(excludes ? pattern.slice(1) : pattern);
    if (typeof glob === 'string') return { index, problem: `"${pattern}" ${glob}` };
    (excludes ? excluded : included).push(glob);
  }
  return (value) => {
    if (value === '') return included.length === 0;
    if (included.length > 0 && !included.some((glob) => glob(value))) return false;
    return !excluded.some((glob) => glob(value));
  };
}

const COMPARISON = /^(>=|<=|>|<|=)?\s*(\d{1,4})$/;

/**
 * A comparison with the depth of the call below its root: `5`, `">5"`, `"<=2"`.
 * @returns the condition, or what is wrong with it
 */
export function parseDepth(text: string): Condition | { problem: string } {
  const parts = COMPARISON.exec(text.trim());
  if (!parts) return { problem: `"${text}" must be a number or a comparison such as ">5"` };
  const bound = Number(parts[2]);
  const compare: Record<string, (depth: number) => boolean> = {
    '>': (depth) => depth > bound,
    '>=': (depth) => depth >= bound,
    '<': (depth) => depth < bound,
    '<=': (depth) => depth <= bound,
    '=': (depth) => depth === bound,
  };
  const holds = compare[parts[1] ?? '='] as (depth: number) => boolean;
  return { attribute: 'depth', patterns: [text], holds: (call) => holds(call.depth) };
}
