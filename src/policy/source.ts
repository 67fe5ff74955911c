import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml';

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
  // A warning of the parser is a value that it reads otherwise than it is written.
  const syntaxErrors = [...document.errors, ...document.warnings].map(({ pos, message }) =>
    locate(pos[0], nameless(message)),
  );
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    syntaxErrors.push(locate(0, 'YAML must be of version 1.2; leave the %YAML line out'));
  }
  visit(document, {
    Node(_, node) {
      if ('tag' in node && node.tag?.startsWith('!')) {
        // Without its name: it may be a secret that begins with a "!".
        const tag = node.tag === '!' ? 'the tag !' : 'a tag such as !x';
        syntaxErrors.push(locate(node.range?.[0], `${tag} means nothing here; quote a "!"`));
      }
    },
  });
  let value: unknown;
  if (syntaxErrors.length === 0) {
    try {
      value = document.toJS();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      syntaxErrors.push(locate(0, nameless(message)));
    }
  }
  return {
    value,
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

/** Without the name of a tag or an alias: it may be a secret that begins with "!" or "*", and was not quoted. */
function nameless(message: string): string {
  return message.replace(/^(Unresolved (?:tag|alias)[^:]*): .*/s, '$1; quote a "!" or "*"');
}

/** The node at a path, through aliases. */
function nodeAt(document: Document, path: Path): unknown {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    node = isCollection(node) ? node.get(key, true) : undefined;
  }
  return isAlias(node) ? node.resolve(document) : node;
}

function offsetAt(document: Document, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = nodeAt(document, path.slice(0, length)) as { range?: [number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return undefined;
}
