import { accessSync, constants } from 'node:fs';
import { unreadable } from '../model/secret-path.js';
import { parseListen } from '../wire/listen.js';
import { MAX_TIMER_MS } from './clock.js';
import { OFF } from './off.js';
import type { FailureMode } from './remote.js';
import type { ClientTls } from './secure.js';
import { type OnDenied, waitingProblem } from './spec.js';
import { textOf } from './text.js';

/** How to connect. Each has a default; an empty environment variable counts as none. */
export interface Options<D extends OnDenied = OnDenied> {
  /** `host:port`, `tls://host:port`, `unix:///path`, or `off`. Default: TOLLGATE_ADDRESS, else 127.0.0.1:7400. */
  readonly address?: string | undefined;
  /** For `tls://`: the CA of the sidecar's certificate. Default: TOLLGATE_CLIENT_CA_FILE, else those that Node trusts. */
  readonly caFile?: string | undefined;
  /** For a sidecar that asks for one. Default: TOLLGATE_CLIENT_CERT_FILE, TOLLGATE_CLIENT_KEY_FILE. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
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

/** The option, else the variable, else the default; an empty text is none. */
export function optionOr(given: string | undefined, variable: string, otherwise = ''): string {
  return given || process.env[variable] || otherwise;
}

/** The files of a client's TLS, as it is told of them. */
export function tlsOf({ caFile, certFile, keyFile }: Options = {}): ClientTls {
  return {
    caFile: optionOr(caFile, 'TOLLGATE_CLIENT_CA_FILE') || undefined,
    certFile: optionOr(certFile, 'TOLLGATE_CLIENT_CERT_FILE') || undefined,
    keyFile: optionOr(keyFile, 'TOLLGATE_CLIENT_KEY_FILE') || undefined,
  };
}

/** What is wrong with the files for an address; without TLS they are not looked at. */
function filesProblem(address: string, files: ClientTls): string {
  if (!address.startsWith('tls://')) return '';
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    return 'certFile and keyFile belong together: give both (TOLLGATE_CLIENT_CERT_FILE, TOLLGATE_CLIENT_KEY_FILE)';
  }
  for (const [name, file] of Object.entries(files)) {
    try {
      if (file !== undefined) accessSync(file, constants.R_OK);
    } catch {
      return `${name}: ${unreadable(file)}`;
    }
  }
  return '';
}

/**
 * Refuses options that would be taken for something else: not everybody runs a type checker, and a
 * failure mode that is misspelt must not allow.
 * @throws TypeError
 */
export function assertOptions(options: Options, address: string): void {
  const { failureMode = 'deny', timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const where = address === OFF ? '' : parseListen(address.replace(/^tls:\/\/(?!unix:)/, ''));
  const problem =
    waitingProblem(options) ||
    (['deny', 'allow'].includes(failureMode)
      ? ''
      : `failureMode: ${textOf(failureMode)} is none of deny, allow`) ||
    (timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS
      ? ''
      : `timeoutMs: ${textOf(timeoutMs)} is no time above 0`) ||
    (typeof where === 'string' && where !== '' ? `address: ${where}` : '') ||
    filesProblem(address, tlsOf(options));
  if (problem !== '') throw new TypeError(problem);
}
