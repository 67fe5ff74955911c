import type { z } from 'zod';
import { type Problems, valueAt } from './problems.js';
import { matchKeyProblem, policySchema } from './schema.js';
import type { Path, Source } from './source.js';

/** Finds every mistake that shows in the file as it is, before any rule is built. */
export function addShapeProblems(problems: Problems): void {
  addSchemaProblems(problems);
  addDuplicateIds(problems);
  for (const [index, rule] of rawRules(problems.source).entries()) {
    addMatchProblems(problems, index, rule);
  }
}

/** The entries of the list called rules, whatever they are. */
export function rawRules(source: Source): unknown[] {
  const rules = valueAt(source.value, ['rules']);
  return Array.isArray(rules) ? rules : [];
}

function addSchemaProblems(problems: Problems): void {
  const { value } = problems.source;
  const issues = policySchema.safeParse(value).error?.issues ?? [];
  for (const issue of issues.flatMap(withinMap)) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.addAtKey(path, key, 'unknown key');
    } else if (valueAt(value, path) === undefined) {
      problems.add(path, 'is missing');
    } else {
      problems.add(path, issue.message.replace(/^Invalid (input|option): expected/, 'must be'));
    }
  }
}

/** What is wrong inside a map, where the map as a whole is only said to be none of the options. */
function withinMap(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const inside = issue.errors
    .flat()
    .filter(({ code, path }) => code === 'unrecognized_keys' || typeof path[0] === 'string')
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  return inside.length > 0 ? inside : [issue];
}

function addMatchProblems(problems: Problems, index: number, rule: unknown): void {
  const overrides = valueAt(rule, ['overrides']);
  const inOverrides = Array.isArray(overrides)
    ? overrides.map((_, i): Path => ['overrides', i, 'match'])
    : [];
  const paths: Path[] = [['match'], ...inOverrides];
  for (const path of paths) {
    const match = valueAt(rule, path);
    if (match === null || typeof match !== 'object' || Array.isArray(match)) continue;
    for (const key of Object.keys(match)) {
      const problem = matchKeyProblem(key);
      if (problem !== undefined) problems.addAtKey(['rules', index, ...path], key, problem);
    }
  }
}

function addDuplicateIds(problems: Problems): void {
  const ids = rawRules(problems.source).map((rule) => valueAt(rule, ['id']));
  for (const [index, id] of ids.entries()) {
    if (typeof id === 'string' && ids.indexOf(id) < index) {
      problems.add(['rules', index, 'id'], 'is the id of another rule too');
    }
  }
}
