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
  for (const issue of policySchema.safeParse(value).error?.issues ?? []) {
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
