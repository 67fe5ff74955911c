import { type Amounts, COST_SOURCES, type CostSource } from '../model/amounts.js';
import { type CallState, OUTCOMES, type Outcome } from '../model/settlement.js';
import { readAmounts } from './amounts.js';
import { parseWindowKey } from './keys.js';

/** The states of lua/include/record.lua, by number; a final call is settled for everyone outside. */
const STATES: readonly CallState[] = [
  'held',
  'settled',
  'released',
  'settled',
  'unheld',
  'unauthorized',
];

/** What a call has used; undefined is as held. */
export interface Used {
  readonly costNano: number | undefined;
  readonly costSource: CostSource;
  readonly tokensIn: number | undefined;
  readonly tokensOut: number | undefined;
}

/** What the ledger says of a settlement besides what was used. */
export interface SettledFacts {
  readonly outcome: Outcome;
  /** The model that answered, and who served it; '' is as authorized. */
  readonly model: string;
  readonly provider: string;
}

/** A window in which a settled call uses more than it held. */
export interface Grown {
  readonly rule: string;
  readonly partition: string;
  readonly usedAfter: number;
  readonly by: number;
  readonly limit: number;
  /** Bit i: threshold i of the rule, as it was when the call was admitted. */
  readonly raised: number;
}

export interface Settled {
  readonly state: CallState;
  readonly nowUs: number;
  /** It had been settled before, by another settlement. */
  readonly repeat: boolean;
  readonly late: boolean;
  /** It had been released before. */
  readonly returned: boolean;
  readonly settledAtUs: number;
  readonly held: Amounts;
  readonly settled: Amounts;
  /** The model that was authorized; '' if none was named. */
  readonly model: string;
  /** The call as the ledger has it, a line of store/facts; '' if it was settled before, or is not known. */
  readonly facts: string;
  readonly grown: readonly Grown[];
}

export interface Released {
  readonly state: CallState;
  readonly repeat: boolean;
  readonly released: Amounts;
}

export interface Recalled {
  readonly state: CallState;
  readonly held: Amounts;
  readonly model: string;
  readonly provider: string;
}

type Reply = readonly (number | string)[];

const SETTLED_HEAD = 16;
const PER_GROWN = 5;

/**
 * @param settler id of the settlement: the same in every sending of it
 * @param maxEntries bound of the ledger
 */
export function settleArguments(
  settler: string,
  used: Used,
  { outcome, model, provider }: SettledFacts,
  maxEntries: number,
): (string | number)[] {
  const { costNano, costSource, tokensIn, tokensOut } = used;
  return [
    settler,
    costNano ?? -1,
    tokensIn ?? -1,
    tokensOut ?? -1,
    COST_SOURCES.indexOf(costSource),
    OUTCOMES.indexOf(outcome),
    model === '' && provider === '' ? '' : `${model}\t${provider}`,
    maxEntries,
  ];
}

/** Reads the reply that lua/settle.lua describes. */
export function parseSettled(reply: Reply): Settled {
  const [state, nowUs, repeat, late, returned, settledAtUs] = reply;
  const grown: Grown[] = [];
  for (let at = SETTLED_HEAD; at < reply.length; at += PER_GROWN) {
    const [key, usedAfter, by, limit, raised] = reply.slice(at, at + PER_GROWN);
    grown.push({
      ...parseWindowKey(String(key)),
      usedAfter: Number(usedAfter),
      by: Number(by),
      limit: Number(limit),
      raised: Number(raised),
    });
  }
  return {
    state: stateOf(state),
    nowUs: Number(nowUs),
    repeat: repeat === 1,
    late: late === 1,
    returned: returned === 1,
    settledAtUs: Number(settledAtUs),
    held: readAmounts(reply, 6),
    settled: readAmounts(reply, 10),
    model: String(reply[14]),
    facts: String(reply[15]),
    grown,
  };
}

/** Reads the reply that lua/release.lua describes. */
export function parseReleased(reply: Reply): Released {
  return { state: stateOf(reply[0]), repeat: reply[2] === 1, released: readAmounts(reply, 3) };
}

/** Reads the reply that lua/recall.lua describes. */
export function parseRecalled(reply: Reply): Recalled {
  return {
    state: stateOf(reply[0]),
    held: readAmounts(reply, 1),
    model: String(reply[5]),
    provider: String(reply[6]),
  };
}

function stateOf(number: number | string | undefined): CallState {
  const state = STATES[Number(number)];
  if (state === undefined) throw new Error(`state ${number} of the script is unknown`);
  return state;
}
