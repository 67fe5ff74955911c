import type { Metric } from '../../model/amounts.js';
import type { Action } from '../../model/decision.js';
import type { Sums } from '../../model/spend.js';
import type { FleetGate } from '../../store/gates.js';
import type { FoundHalt, Grant } from '../../store/orders.js';

/**
 * How the fleet stands, as a keeper has read it from Redis last: plain data, for metrics, alerts and the page.
 * Money in nano-dollars.
 */
export interface Fleet {
  /** When it was read, ms of the Redis clock; and on this process' monotonic clock. */
  readonly atMs: number;
  readonly readMs: number;
  /** How long that kept Redis and this process busy. */
  readonly busyMs: number;
  /** Whose days and months these are. */
  readonly timezone: string;
  readonly domains: readonly string[];
  readonly windows: readonly FleetWindow[];
  /** Of the day and the month that go on, in no order; over all domains. */
  readonly today: readonly SpentRow[];
  readonly month: readonly { readonly who: Who; readonly costNano: bigint }[];
  /** How today compares with other days, by domain and agent; none where that is not known (yet). */
  readonly normal: readonly NormalDay[];
  readonly halts: readonly (FoundHalt & { readonly domain: string })[];
  readonly grants: readonly (Grant & { readonly domain: string })[];
  readonly gates: readonly FleetGate[];
  readonly openHolds: number;
  /** The team that an agent was last seen with; '' if it has none. */
  teamOf(agent: string): string;
}

/** Whose spend it is, and for what: what metrics tell apart. The same object for the same. */
export interface Who {
  readonly agent: string;
  readonly team: string;
  readonly costCentre: string;
  readonly tool: string;
  readonly model: string;
}

export interface SpentRow {
  readonly who: Who;
  readonly sums: Readonly<Sums>;
}

/** One window that gates have told of, and how full it is. Amounts in the unit of the metric. */
export interface FleetWindow {
  readonly domain: string;
  readonly key: string;
  readonly rule: string;
  readonly partition: string;
  readonly metric: Metric;
  readonly action: Action;
  /** Of the last call in it that was told. */
  readonly agent: string;
  readonly team: string;
  readonly used: number;
  /** With the grants that are in force now. */
  readonly limit: number;
  /** Undefined for a limit of 0. */
  readonly ratio: number | undefined;
  /** At the pace of the last minutes; undefined if it will not be full at that pace. */
  readonly exhaustionS: number | undefined;
}

/** The day of one agent, so far, beside what is usual by this time. */
export interface NormalDay {
  readonly domain: string;
  readonly agent: string;
  readonly team: string;
  readonly actualNano: bigint;
  readonly expectedNano: bigint;
  /** The whole of a day. */
  readonly normalNano: bigint;
  /** Actual by expected; where nothing was expected yet, by a tenth of a normal day. */
  readonly ratio: number;
  readonly unusual: boolean;
}
