import type { Alert, AlertEvent } from '../model/alert.js';
import type { Metric } from '../model/amounts.js';
import type { Attribute } from '../model/call.js';
import type { Action } from '../model/decision.js';
import type { Identity } from '../model/settlement.js';
import type { PriceBook } from '../pricing/book.js';
import type { Condition } from './condition.js';
import type { Window } from './window.js';

/** The policy in force: what the operator's file says, checked and ready to match calls. */
export interface Policy {
  /** First 12 hex digits of the SHA-256 of the file. */
  readonly hash: string;
  /** The file as it is. */
  readonly text: string;
  /** The namespace in Redis: a name, or the attribute whose value names it. */
  readonly domain: { readonly name: string } | { readonly attribute: keyof Identity };
  /** `shadow`: every rule decides and counts, none denies. */
  readonly mode: 'enforce' | 'shadow';
  /** What becomes of a call that no rule matches. */
  readonly unmatched: 'allow' | 'deny';
  /** How long an admitted call may run before its hold counts as run out. */
  readonly holdForUs: number;
  /** How long after that it may still be settled against its hold. */
  readonly settleForUs: number;
  /** Whose days, weeks and months reports speak of: an IANA timezone. */
  readonly timezone: string;
  readonly ledger: LedgerSettings;
  readonly rules: readonly Rule[];
  /** Whom a keeper tells of what has happened. */
  readonly alerts: readonly AlertRoute[];
  /** What calls cost under this policy. */
  readonly prices: PriceBook;
}

/** How the ledger is kept. */
export interface LedgerSettings {
  /** The most entries in the stream: past it the oldest go, folded into spend or not. */
  readonly maxEntries: number;
  /** How long an entry stays in the stream once it is folded. */
  readonly keepForUs: number;
  /** Labels over which spend is summed, besides the attributes of SPEND_ATTRIBUTES. */
  readonly labels: readonly string[];
}

/** Whom to tell of alerts, and which. */
export interface AlertRoute {
  readonly name: string;
  readonly format: 'slack' | 'json';
  readonly url: SecretSource;
  /** The key that signs messages; undefined signs none. */
  readonly secret: SecretSource | undefined;
  /** What it is told of. */
  readonly events: ReadonlySet<AlertEvent>;
  wants(alert: Pick<Alert, 'event' | 'agent' | 'team' | 'rule'>): boolean;
}

/** Where a secret is read from: it stands in no policy. */
export type SecretSource = { readonly env: string } | { readonly file: string };

export interface Rule {
  readonly id: string;
  readonly action: Action;
  readonly match: readonly Condition[];
  /** The attributes whose values each get a window of their own. */
  readonly per: readonly Attribute[];
  /** A matching call without one of these is refused. */
  readonly require: readonly Attribute[];
  /** Absent: the rule denies outright. */
  readonly rateLimit: RateLimit | undefined;
  /** How long a halt rule halts; 0 until a person resumes the agent. */
  readonly haltForUs: number;
  /** What the rule answers when Redis cannot. */
  readonly failureMode: 'allow' | 'deny';
}

export interface RateLimit {
  readonly metric: Metric;
  readonly limit: Limit;
  readonly window: Window;
  /** Hash of metric, window (with its timezone) and per: a rule that changes one of them starts a new window. */
  readonly shape: string;
  /** Shares of the limit, ascending. */
  readonly alertAt: readonly number[];
  /** Other limits for some calls; the first that matches counts. */
  readonly overrides: readonly { readonly match: readonly Condition[]; readonly limit: Limit }[];
}

/** Whole numbers in the metric's unit: nano-dollars, tokens or calls. */
export interface Limit {
  readonly amount: number;
  /** The amounts at which alertAt raises. */
  readonly thresholds: readonly number[];
}
