/** A pattern over a whole value: `*` is any run of characters, `?` any one. */
export type Glob = (value: string) => boolean;

/**
 * Compiles a glob; matching takes at most length of pattern times length of value steps.
 * @returns the matcher, or a sentence that says what is wrong with the pattern
 */
export function parseGlob(pattern: string): Glob | string {
  if (pattern === '') return 'is an empty glob; leave the field out to match anything';
  if (/[[\]{}]/.test(pattern)) {
    return 'is a bad glob: only * and ? are special, write alternatives as a list';
  }
  if (pattern === '*') return () => true;
  if (!/[*?]/.test(pattern)) return (value) => value === pattern;
  const parts = [...pattern];
  return (value) => matches(parts, [...value]);
}

/** Greedy with one point of return: only the last star can be worth widening. By code points. */
function matches(pattern: readonly string[], value: readonly string[]): boolean {
  let p = 0;
  let v = 0;
  let star = -1;
  let starValue = 0;
  while (v < value.length) {
    if (pattern[p] === '*') {
      star = p;
      starValue = v;
      p += 1;
    } else if (pattern[p] === '?' || pattern[p] === value[v]) {
      p += 1;
      v += 1;
    } else if (star >= 0) {
      p = star + 1;
      starValue += 1;
      v = starValue;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
