import type { FailureMode } from './remote.js';
import type { OnDenied } from './spec.js';

/** How to connect. Each has a default; an empty environment variable counts as none. */
export interface Options<D extends OnDenied = OnDenied> {
  /** `host:port`, `unix:///path`, or `off`. Default: TOLLGATE_ADDRESS, else 127.0.0.1:7400. */
  readonly address?: string | undefined;
  /** Default: TOLLGATE_AGENT_ID; the sidecar may know it as well. */
  readonly agent?: string | undefined;
  /** Default: TOLLGATE_TEAM_ID. */
  readonly team?: string | undefined;
  /** Default: TOLLGATE_COST_CENTRE. */
  readonly costCentre?: string | undefined;
  /** The pod or process. Default: TOLLGATE_INSTANCE. */
  readonly instance?: string | undefined;
  /** The run of calls that are made outside of `gate.run` and of other calls. Default: none. */
  readonly runId?: string | undefined;
  /** Default: `raise`. */
  readonly onDenied?: D | undefined;
  /** The longest that `wait` waits for one call. Default: 60 s. */
  readonly maxWaitMs?: number | undefined;
  /** Without a sidecar: deny, or allow and record afterwards. Default: `deny`. */
  readonly failureMode?: FailureMode | undefined;
  /** For the first try; the second has twice, the third four times as long. Default: 250 ms. */
  readonly timeoutMs?: number | undefined;
  /** Takes what should not go unnoticed. Default: console.warn. */
  readonly warn?: ((message: string) => void) | undefined;
}

export const DEFAULT_ADDRESS = '127.0.0.1:7400';

/** A window of a minute, the shortest that is common, has moved on by then. */
export const DEFAULT_MAX_WAIT_MS = 60_000;

/** A sidecar answers within 50 ms of reading a call; the rest is for a busy process. */
export const DEFAULT_TIMEOUT_MS = 250;

/** The option, else the variable, else the default. */
export function optionOr(given: string | undefined, variable: string, otherwise = ''): string {
  return given ?? (process.env[variable] || otherwise);
}
