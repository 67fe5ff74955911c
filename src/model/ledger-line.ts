import type { Amounts } from './amounts.js';
import type { Entry, Facts } from './entry.js';
import { nanoFromUsd, usdFromNano } from './money.js';
import { postingOf } from './spend.js';

/** A larger policy is told and kept without its text: it would be read again with every answer. */
export const MAX_POLICY_TEXT_BYTES = 65_536;

/** What a line says beside its entry. */
export interface LineOrigin {
  /** The domain of the ledger; absent in lines of before. */
  readonly domain?: string | undefined;
  /** Of a policy that took effect: the file as it was, where that is known. */
  readonly policyText?: string | undefined;
}

/**
 * An entry of the ledger as a line of NDJSON, with the names that records of calls have everywhere. What is
 * absent is left out. `ledger-line-parse` reads it back, exactly.
 *
 * `spendNano`, `calls`, `spendTokensIn` and `spendTokensOut` are what the entry adds to the spend, so that a
 * script that adds up one field of every line has what a report says.
 */
export function formatLine(entry: Entry, { domain, policyText }: LineOrigin = {}): string {
  const { id, atMs, kind } = entry;
  return JSON.stringify({
    id,
    at: new Date(atMs).toISOString(),
    domain,
    kind,
    ...fieldsOf(entry),
    ...postedBy(entry),
    policyText,
  });
}

/** The names of the facts of a call that are a text. */
export const FACT_NAMES = {
  callId: 'callId',
  agent: 'agentId',
  team: 'teamId',
  costCentre: 'costCentre',
  instance: 'instance',
  tool: 'tool',
  model: 'model',
  provider: 'provider',
  operation: 'operation',
  run: 'runId',
  parentCallId: 'parentCallId',
  rootAgent: 'rootAgent',
  fingerprint: 'fingerprint',
} as const satisfies Partial<Record<keyof Facts, string>>;

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(entry: Entry): Fields {
  switch (entry.kind) {
    case 'authorized': {
      const { facts, held, holdUntilUs, forced } = entry;
      return { ...factFields(facts), ...askedFields(held), holdUntilUs, ...flags({ forced }) };
    }
    case 'settled': {
      const { facts, held, settled, state, outcome, final, late, returned, ranOut } = entry;
      const { heldAs } = entry;
      return {
        ...factFields(facts),
        tokensIn: settled.tokensIn,
        tokensOut: settled.tokensOut,
        ...usd('actualCost', settled.costNano),
        priceSource: settled.costSource,
        heldTokensIn: held.tokensIn,
        heldTokensOut: held.tokensOut,
        ...usd('estimatedCost', held.costNano),
        heldPriceSource: held.costSource,
        ...(heldAs ? { heldModel: heldAs.model, heldProvider: heldAs.provider } : {}),
        state,
        outcome,
        ...flags({ final, late, returned, ranOut }),
      };
    }
    case 'ran_out':
    case 'released':
    case 'withdrawn': {
      const { facts, held, ranOut, final } = entry;
      return { ...factFields(facts), ...askedFields(held), ...flags({ ranOut, final }) };
    }
    case 'denied': {
      const { facts, asked, rule, partition, calls: deniedCalls, firstUs, lastUs } = entry;
      const { metric, used, limit, retryAtUs, run: lastRunId, askedAgain } = entry;
      const about = { rule, partition, deniedCalls, firstUs, lastUs };
      const window = { ...(metric ? { metric, used, limit } : {}), ...present({ retryAtUs }) };
      const again = present({
        againCostNano: askedAgain.costNano,
        againTokensIn: askedAgain.tokensIn,
        againTokensOut: askedAgain.tokensOut,
      });
      const last = lastRunId === '' ? {} : { lastRunId };
      return {
        ...factFields(facts),
        ...askedFields(asked),
        ...again,
        ...about,
        ...window,
        ...last,
      };
    }
    case 'halted':
    case 'resumed':
    case 'granted':
    case 'threshold': {
      const { id: _id, atMs: _atMs, kind: _kind, agent, ...rest } = entry;
      return { agentId: agent, ...rest };
    }
    case 'policy': {
      const { hash, from, by } = entry;
      return { hash, from, by };
    }
    case 'annotation': {
      const { agent, text, by, fromMs, toMs } = entry;
      return { ...(agent === '' ? {} : { agentId: agent }), text, by, fromMs, toMs };
    }
  }
}

function factFields(facts: Facts): Fields {
  const { depth, labels, timestampMs } = facts;
  const fields: Record<string, unknown> = {};
  for (const [fact, name] of Object.entries(FACT_NAMES)) {
    const text = facts[fact as keyof typeof FACT_NAMES];
    if (text !== '') fields[name] = text;
  }
  if (depth !== 0) fields['depth'] = depth;
  if (Object.keys(labels).length > 0) fields['labels'] = labels;
  if (timestampMs !== undefined) fields['timestamp'] = new Date(timestampMs).toISOString();
  return fields;
}

function askedFields({ tokensIn, tokensOut, costNano, costSource }: Amounts): Fields {
  return { tokensIn, tokensOut, ...usd('estimatedCost', costNano), priceSource: costSource };
}

/** In USD, as a double; where that would lose a nano-dollar, in whole nano-dollars too. */
function usd(name: 'actualCost' | 'estimatedCost', nano: number): Fields {
  const dollars = usdFromNano(nano);
  const exact = nanoFromUsd(dollars) === nano;
  return { [name]: dollars, ...(exact ? {} : { [`${name}Nano`]: nano }) };
}

/** Those that are not 0. */
function present(all: Readonly<Record<string, number>>): Fields {
  return Object.fromEntries(Object.entries(all).filter(([, number]) => number !== 0));
}

/** Those that are set. */
function flags(all: Readonly<Record<string, boolean>>): Fields {
  return Object.fromEntries(Object.entries(all).filter(([, set]) => set));
}

/** What the entry adds to the spend; nothing where it adds nothing. */
export function postedBy(entry: Entry): Readonly<Record<string, number>> {
  const posting = postingOf(entry);
  if (!posting || entry.kind === 'denied') return {};
  const { costNano, calls, tokensIn, tokensOut } = posting.sums;
  return {
    // Two calls' costs at most, so far below 2^53.
    spendNano: Number(costNano),
    calls,
    // Not -0, which JSON would write as 0.
    spendTokensIn: tokensIn + 0,
    spendTokensOut: tokensOut + 0,
  };
}
