import { type Document, isAlias, isMap, isScalar, LineCounter, parseDocument } from 'yaml';

export type Path = readonly (string | number)[];

/** One mistake in a policy file. Line and column count from 1. */
export interface PolicyError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A YAML text that still knows where each value stands and how it was written. */
export interface Source {
  readonly value: unknown;
  readonly syntaxErrors: readonly PolicyError[];
  /** An error at the value of a path, or at the nearest parent that exists. */
  errorAt(path: Path, message: string): PolicyError;
  /** An error at a key of the map at a path. */
  errorAtKey(path: Path, key: string, message: string): PolicyError;
  /** A number as it was written, so that no digit is lost to a double. */
  digitsAt(path: Path): string;
}

export function parseSource(text: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const locate = (offset: number | undefined, message: string): PolicyError => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1), message };
  };
  const syntaxErrors = document.errors.map(({ pos, message }) => locate(pos[0], message));
  return {
    value: syntaxErrors.length > 0 ? undefined : document.toJS(),
    syntaxErrors,
    errorAt: (path, message) => locate(offsetAt(document, path), message),
    errorAtKey: (path, key, message) => {
      const node = nodeAt(document, path);
      const pair = isMap(node)
        ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      const range = isScalar(pair?.key) ? pair.key.range : undefined;
      return locate(range?.[0] ?? offsetAt(document, path), message);
    },
    digitsAt: (path) => {
      const node = nodeAt(document, path);
      return isScalar(node) ? (node.source ?? String(node.value)) : '';
    },
  };
}

function nodeAt(document: Document, path: Path): unknown {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isAlias(node) ? node.resolve(document) : node;
}

function offsetAt(document: Document, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = nodeAt(document, path.slice(0, length)) as { range?: [number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return undefined;
}
