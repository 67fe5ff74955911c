import type { Path, PolicyError, Source } from './source.js';

/** Collects what is wrong with a policy file, each mistake at its place. */
export class Problems {
  readonly source: Source;
  readonly #errors: PolicyError[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  add(path: Path, message: string): void {
    this.#errors.push(this.source.errorAt(path, `${formatPath(this.source, path)}: ${message}`));
  }

  addAtKey(path: Path, key: string, message: string): void {
    const place = formatPath(this.source, isName(path, key) ? [...path, key] : path);
    this.#errors.push(this.source.errorAtKey(path, key, `${place}: ${message}`));
  }

  /** What there is, in the order of the file. */
  inFileOrder(): PolicyError[] {
    return this.#errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }
}

/** May a key that nobody knows be repeated? Not if it may be a webhook's URL, or stands where a secret is named. */
function isName(path: Path, key: string): boolean {
  return !/[/:@]/.test(key) && !(path[0] === 'alerts' && path.length > 2);
}

/** What stands at a path of a plain value; undefined if nothing does. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[key] : undefined,
    value,
  );
}

/** `rules[0].rateLimit.limit of token-budget-daily` */
function formatPath(source: Source, path: Path): string {
  const text = path.reduce<string>(
    (at, key) => (typeof key === 'number' ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`),
    '',
  );
  const id = path[0] === 'rules' ? valueAt(source.value, [...path.slice(0, 2), 'id']) : undefined;
  return typeof id === 'string' ? `${text} of "${id}"` : text || 'the file';
}
