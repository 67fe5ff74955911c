/**
 * One LLM or tool call that an agent wants to make, decoded and validated. Text of '' is absent.
 * Bounds: text at most 256 bytes, tokens 0 to 10^9, cost 0 to $1 million.
 */
export interface Call {
  readonly callId: string;
  readonly agent: string;
  readonly team: string;
  readonly costCentre: string;
  readonly instance: string;
  readonly tool: string;
  readonly model: string;
  readonly provider: string;
  readonly operation: string;
  /** The run as the caller named it, or as the lineage token of its parent does. */
  readonly run: string;
  /** The lineage token of the call that caused this one, as it came. */
  readonly parent: string;
  readonly parentCallId: string;
  /** The agent at the root of the run; '' for a root call. */
  readonly rootAgent: string;
  /** Calls between this one and the root of its run: 0 for a root call. */
  readonly depth: number;
  readonly fingerprint: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly maxTokensOut: number;
  /** Size of the input, for when its tokens are not known. */
  readonly inputBytes: number;
  /** USD as the caller gave it; undefined is unknown, which is not 0. */
  readonly estimatedCostUsd: number | undefined;
  readonly final: boolean;
  /** When the caller made the record, ms since the Unix epoch. It decides nothing. */
  readonly timestampMs: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** The attributes of a call that a policy can match and partition by, but for labels. */
export const ATTRIBUTES = [
  'agent',
  'team',
  'costCentre',
  'instance',
  'tool',
  'model',
  'provider',
  'operation',
  'run',
  'rootAgent',
] as const;

export type Attribute =
  | (typeof ATTRIBUTES)[number]
  | 'fingerprint'
  | `${typeof LABEL_PREFIX}${string}`;

export const LABEL_PREFIX = 'labels.';

/**
 * What the call has for an attribute; '' if it has nothing. An absent run is the instance: one process
 * is one task unless it says otherwise.
 */
export function attributeOf(call: Call, attribute: Attribute): string {
  if (attribute === 'rootAgent') return call.rootAgent || call.agent;
  // What has a parent is of its parent's run, and if that has no name, of the one without a name.
  if (attribute === 'run') return call.run || (call.parent === '' ? call.instance : '');
  if (attribute.startsWith(LABEL_PREFIX)) {
    const name = attribute.slice(LABEL_PREFIX.length);
    return Object.hasOwn(call.labels, name) ? (call.labels[name] ?? '') : '';
  }
  return call[
    attribute as Exclude<Attribute, 'rootAgent' | 'run' | `${typeof LABEL_PREFIX}${string}`>
  ];
}
