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
  readonly run: string;
  readonly parentCallId: string;
  readonly fingerprint: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly maxTokensOut: number;
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
  if (attribute === 'rootAgent') return call.agent;
  if (attribute === 'run') return call.run || call.instance;
  if (attribute.startsWith(LABEL_PREFIX)) {
    const name = attribute.slice(LABEL_PREFIX.length);
    return Object.hasOwn(call.labels, name) ? (call.labels[name] ?? '') : '';
  }
  return call[
    attribute as Exclude<Attribute, 'rootAgent' | 'run' | `${typeof LABEL_PREFIX}${string}`>
  ];
}

/** How deep the call is below the root of its run. */
export function depthOf(_call: Call): number {
  return 0;
}
