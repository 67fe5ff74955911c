import type { Amounts, Metric } from './amounts.js';
import type { CallState, Outcome } from './settlement.js';

/** What the ledger keeps of the call that an entry is about. Text of '' is absent. */
export interface Facts {
  readonly callId: string;
  readonly agent: string;
  readonly team: string;
  readonly costCentre: string;
  readonly instance: string;
  readonly tool: string;
  /** The model that answered, where a settlement has named it; else the one that was authorized. */
  readonly model: string;
  readonly provider: string;
  readonly operation: string;
  /** The run; the instance where none was named. */
  readonly run: string;
  readonly parentCallId: string;
  /** The agent at the root of the run: the agent itself for a root call. */
  readonly rootAgent: string;
  readonly depth: number;
  readonly fingerprint: string;
  /** When the caller made the record, ms since the Unix epoch. */
  readonly timestampMs: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** What every entry has. */
interface Base {
  /** Of the stream: `ms-seq`, ascending; ms is when it was written, on the Redis clock. */
  readonly id: string;
  /** Of the id, ms since the Unix epoch: the moment at which the entry counts. */
  readonly atMs: number;
}

/** A call was admitted, and holds an estimate. */
export interface AuthorizedEntry extends Base {
  readonly kind: 'authorized';
  readonly facts: Facts;
  readonly held: Amounts;
  /** Microseconds of the Redis clock, after which the hold has run out. */
  readonly holdUntilUs: number;
  /** It went ahead while Redis was away, and was charged over any limit afterwards. */
  readonly forced: boolean;
}

/** A call was settled at what it has really used: here its spend is posted. */
export interface SettledEntry extends Base {
  readonly kind: 'settled';
  readonly facts: Facts;
  /** `settled`; `unheld`: no hold was known; `unauthorized`: nobody had asked. */
  readonly state: Extract<CallState, 'settled' | 'unheld' | 'unauthorized'>;
  /** It was settled as it was authorized; there is no entry for its admission. */
  readonly final: boolean;
  /** Its hold had run out by the clock. */
  readonly late: boolean;
  /** It had been released before. */
  readonly returned: boolean;
  /** An entry before this one has posted what it held, because its hold ran out. */
  readonly ranOut: boolean;
  readonly outcome: Outcome;
  /** Model and provider as authorized, where another has answered: what it held counts under them. */
  readonly heldAs?: Pick<Facts, 'model' | 'provider'>;
  readonly held: Amounts;
  readonly settled: Amounts;
}

/**
 * A call that holds its estimate ended otherwise: its hold ran out, and what it held is posted; it was
 * released, or taken back because nobody was told of it, and what was posted, if it was, is taken back.
 */
export interface EndedEntry extends Base {
  readonly kind: 'ran_out' | 'released' | 'withdrawn';
  readonly facts: Facts;
  readonly held: Amounts;
  /** What it held had been posted before, because its hold had run out. */
  readonly ranOut: boolean;
  /** It had been posted when it was admitted, as settled. */
  readonly final: boolean;
}

/** Calls that one rule denied in one partition, one after another, as one sidecar saw them. */
export interface DeniedEntry extends Base {
  readonly kind: 'denied';
  /** The denying rule; `halt` for a halted agent, `unpriced`, or `none` where no rule matched. */
  readonly rule: string;
  /** '' where no rule has denied. */
  readonly partition: string;
  /** What the calls have in common; the rest, such as the call id, is ''. */
  readonly facts: Facts;
  /** Denials: a call that was asked again and denied again counts again. */
  readonly calls: number;
  /** Sums over the calls as they were estimated, each call id once for each sidecar. */
  readonly asked: Amounts;
  /** The same over the denials of calls that this sidecar had counted before. */
  readonly askedAgain: AskedAgain;
  /** When the first and the last of them were denied: µs of the Redis clock, or of the sidecar's if degraded. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** What the window of the denying rule counts; undefined where no window has denied. */
  readonly metric: Metric | undefined;
  /** Of that window at the last of the calls, in the unit of the metric; limit with grants. 0 without a metric. */
  readonly used: number;
  readonly limit: number;
  /** When the last of the calls could pass, in µs; 0 if that is not known, or never. */
  readonly retryAtUs: number;
  /** The run of the last of the calls. */
  readonly run: string;
}

export type AskedAgain = Omit<Amounts, 'costSource'>;

/** An agent was halted: by a rule, or by a person. `*` is every agent. */
export interface HaltedEntry extends Base {
  readonly kind: 'halted';
  readonly agent: string;
  readonly rule: string;
  readonly by: string;
  readonly why: string;
  /** µs; 0 until somebody resumes it. */
  readonly untilUs: number;
}

/** A person ended a halt. */
export interface ResumedEntry extends Base {
  readonly kind: 'resumed';
  readonly agent: string;
  readonly by: string;
}

/** A person added to the limit of a rule. */
export interface GrantedEntry extends Base {
  readonly kind: 'granted';
  readonly agent: string;
  readonly rule: string;
  /** Whole, in the unit of the rule's metric. */
  readonly add: number;
  readonly by: string;
  readonly why: string;
  readonly untilUs: number;
}

/** A window reached one of its rule's thresholds. */
export interface ThresholdEntry extends Base {
  readonly kind: 'threshold';
  readonly rule: string;
  readonly partition: string;
  readonly metric: Metric;
  /** Whole, in the unit of the metric; grants included. */
  readonly limit: number;
  /** The amount that was reached. */
  readonly amount: number;
  readonly agent: string;
}

/** A policy took effect on some sidecar that another had not announced last. */
export interface PolicyEntry extends Base {
  readonly kind: 'policy';
  readonly hash: string;
  /** The file it was read from. */
  readonly from: string;
  /** The machine that announced it. */
  readonly by: string;
}

/** What a person wants to be remembered beside the spend. */
export interface AnnotationEntry extends Base {
  readonly kind: 'annotation';
  /** '' is about all agents. */
  readonly agent: string;
  readonly text: string;
  readonly by: string;
  /** The time that it is about, ms since the Unix epoch. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** One entry of the ledger: what happened to one call, or to what stands above the calls. */
export type Entry =
  | AuthorizedEntry
  | SettledEntry
  | EndedEntry
  | DeniedEntry
  | HaltedEntry
  | ResumedEntry
  | GrantedEntry
  | ThresholdEntry
  | PolicyEntry
  | AnnotationEntry;

export type EntryKind = Entry['kind'];

/** Entries that answers show long after the stream was trimmed. */
export type EventEntry = Extract<
  Entry,
  { kind: 'halted' | 'resumed' | 'granted' | 'threshold' | 'policy' | 'annotation' }
>;

/** When the entry with an id was written, ms since the Unix epoch. */
export function msOf(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/** The order of two entry ids: negative if `a` comes first. */
export function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}
