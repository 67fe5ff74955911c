import type { Amounts } from './amounts.js';
import type { Entry, Facts } from './entry.js';

/** The attributes over which spend is summed, besides the labels that the policy names. */
export const SPEND_ATTRIBUTES = [
  'agent',
  'team',
  'costCentre',
  'tool',
  'model',
  'provider',
  'operation',
  'rootAgent',
] as const;
export type SpendAttribute = (typeof SPEND_ATTRIBUTES)[number];

/** Whose spend it is, and for what. '' is absent; labels are those that the policy's ledger names. */
export type SpendAttributes = Readonly<Record<SpendAttribute, string>> & {
  readonly labels: Readonly<Record<string, string>>;
};

/**
 * Spend over some time. Money in nano-dollars: exact, and negative where a call that had run out was
 * settled for less. Counts and tokens stay below 2^53.
 */
export interface Sums {
  calls: number;
  costNano: bigint;
  tokensIn: number;
  tokensOut: number;
  /** Of the cost: what calls held that ran out and were never settled. */
  unsettledNano: bigint;
  /** Of the cost: what was priced as the policy assumes for models without a price. */
  assumedNano: bigint;
  /** Of the cost: calls that nobody authorized, or whose hold nobody knew. */
  unauthorizedNano: bigint;
  /** Calls that were denied, and what they were estimated to cost: no part of the cost. */
  denied: number;
  deniedNano: bigint;
}

/** What one entry adds to the spend. */
export interface Posting {
  readonly atMs: number;
  readonly attributes: SpendAttributes;
  readonly sums: Sums;
}

export function noSums(): Sums {
  return {
    calls: 0,
    costNano: 0n,
    tokensIn: 0,
    tokensOut: 0,
    unsettledNano: 0n,
    assumedNano: 0n,
    unauthorizedNano: 0n,
    denied: 0,
    deniedNano: 0n,
  };
}

/** Adds `more` to `sums`; not what is 0n, since of most rows most is, and BigInt sums are slow. */
export function addSums(sums: Sums, more: Readonly<Sums>): void {
  sums.calls += more.calls;
  sums.costNano += more.costNano;
  sums.tokensIn += more.tokensIn;
  sums.tokensOut += more.tokensOut;
  if (more.unsettledNano) sums.unsettledNano += more.unsettledNano;
  if (more.assumedNano) sums.assumedNano += more.assumedNano;
  if (more.unauthorizedNano) sums.unauthorizedNano += more.unauthorizedNano;
  sums.denied += more.denied;
  if (more.deniedNano) sums.deniedNano += more.deniedNano;
}

/**
 * What an entry adds to the spend of its hour, each under its attributes. All spend is the sum of these.
 * @param labels names of the labels over which spend is summed
 */
export function postingsOf(entry: Entry, labels: readonly string[]): readonly Posting[] {
  if (entry.kind === 'settled' && entry.ranOut && entry.heldAs) {
    // What it held was posted under the model that was authorized, so there it is taken back.
    const facts = { ...entry.facts, ...entry.heldAs };
    const back = postingOf({ ...entry, kind: 'released', facts, final: false }, labels);
    const settled = postingOf({ ...entry, ranOut: false }, labels);
    return [back, settled].flatMap((posting) => posting ?? []);
  }
  return [postingOf(entry, labels) ?? []].flat();
}

/**
 * The same in one sum, under the attributes of the entry; undefined if it adds nothing.
 * @param labels names of the labels over which spend is summed
 */
export function postingOf(entry: Entry, labels: readonly string[] = []): Posting | undefined {
  const sums = noSums();
  if (entry.kind === 'settled') {
    post(sums, entry.settled, 1);
    if (entry.ranOut) postUnsettled(sums, entry.held, -1);
    if (entry.state !== 'settled') sums.unauthorizedNano += BigInt(entry.settled.costNano);
  } else if (entry.kind === 'ran_out') {
    postUnsettled(sums, entry.held, 1);
  } else if (entry.kind === 'released' || entry.kind === 'withdrawn') {
    if (entry.final) post(sums, entry.held, -1);
    else if (entry.ranOut) postUnsettled(sums, entry.held, -1);
    else return undefined;
  } else if (entry.kind === 'denied') {
    sums.denied = entry.calls;
    sums.deniedNano = BigInt(entry.asked.costNano);
  } else {
    return undefined;
  }
  return { atMs: entry.atMs, attributes: attributesOf(entry.facts, labels), sums };
}

function post(sums: Sums, amounts: Amounts, times: 1 | -1): void {
  const costNano = BigInt(amounts.costNano * times);
  sums.calls += times;
  sums.costNano += costNano;
  sums.tokensIn += amounts.tokensIn * times;
  sums.tokensOut += amounts.tokensOut * times;
  if (amounts.costSource === 'assumed') sums.assumedNano += costNano;
}

function postUnsettled(sums: Sums, held: Amounts, times: 1 | -1): void {
  post(sums, held, times);
  sums.unsettledNano += BigInt(held.costNano * times);
}

function attributesOf(facts: Facts, labels: readonly string[]): SpendAttributes {
  const { agent, team, costCentre, tool, model, provider, operation, rootAgent } = facts;
  const summed: Record<string, string> = {};
  for (const name of labels) {
    if (Object.hasOwn(facts.labels, name)) summed[name] = facts.labels[name] ?? '';
  }
  return {
    agent,
    team,
    costCentre,
    tool,
    model,
    provider,
    operation,
    rootAgent,
    labels: summed,
  };
}
