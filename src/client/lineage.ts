import { AsyncLocalStorage } from 'node:async_hooks';

/** The header, and the key in MCP's `_meta`, that carries a lineage token to another process. */
export const LINEAGE_HEADER = 'tollgate-lineage';

/** What code runs within: a call, a run, or a request that came with a lineage token. */
export interface Scope {
  /** Passed as `parent` by the calls made here; '' if there is no token. */
  readonly lineage: string;
  /** The call around; '' outside of one. */
  readonly callId: string;
  /** The run that was started around; '' if none was. */
  readonly runId: string;
  /** The scope of the request, for a gate that belongs to one, to know its own calls by. */
  readonly entry: Scope | undefined;
}

export const OUTSIDE: Scope = { lineage: '', callId: '', runId: '', entry: undefined };

/** One for the process, so that gates of several agents see each other's calls. */
const scopes = new AsyncLocalStorage<Scope>();

/** The scope of this code; for a gate that belongs to a request, at least that of the request. */
export function scopeHere(bound: Scope | undefined): Scope {
  const here = scopes.getStore() ?? OUTSIDE;
  return bound === undefined || here.entry === bound ? here : bound;
}

export function runIn<T>(scope: Scope, work: () => T): T {
  return scopes.run(scope, work);
}

/** The scope of a call's work. A call that got no token hands on the one that it came with. */
export function scopeOfCall(around: Scope, callId: string, lineage: string): Scope {
  return { ...around, callId, lineage: lineage || around.lineage };
}

/** A new run: what is around it is recorded, and its lineage ends. */
export function scopeOfRun(around: Scope, runId: string): Scope {
  return { ...around, runId, lineage: '' };
}

/** The headers of a request: a `Headers`, those of node:http, or any plain object. */
export type IncomingHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, unknown>>;

/** The scope of a request that came in; without a token it is a root of its own. */
export function scopeOfHeaders(headers: IncomingHeaders): Scope {
  const scope = { ...OUTSIDE, lineage: lineageIn(headers), entry: undefined as Scope | undefined };
  scope.entry = scope;
  return scope;
}

function lineageIn(headers: IncomingHeaders): string {
  if (typeof headers['get'] === 'function') return headers.get(LINEAGE_HEADER) ?? '';
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== LINEAGE_HEADER) continue;
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === 'string' ? first : '';
  }
  return '';
}

/** What a call to another process takes along. */
export function headersOf(scope: Scope): Record<string, string> {
  return scope.lineage === '' ? {} : { [LINEAGE_HEADER]: scope.lineage };
}
