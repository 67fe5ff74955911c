import type { z } from 'zod';
import type { Amounts } from './amounts.js';
import { type Entry, type Facts, msOf } from './entry.js';
import { FACT_NAMES, type LineOrigin, postedBy } from './ledger-line.js';
import { type Line, lineSchema } from './ledger-line-schema.js';
import { nanoFromUsd } from './money.js';

/** A policy's text at its longest, escaped, and twice what an entry has besides. */
export const MAX_LINE_BYTES = 262_144;

/** An entry, and what its line says beside it. */
export interface LedgerLine extends LineOrigin {
  readonly entry: Entry;
}

/** An entry from its line, or what is wrong with the line. */
export function parseLine(text: string): LedgerLine | { problem: string } {
  if (text.length > MAX_LINE_BYTES) return { problem: `is over ${MAX_LINE_BYTES} bytes` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return { problem: problemOf(parsed.error) };
  const entry = entryFrom(parsed.data);
  if (!entry) return { problem: 'a cost is past what sums can hold' };
  if (!sumsAgree(value as object, entry)) {
    return { problem: 'it would not add to the spend what it says: its amounts were changed' };
  }
  const { domain } = parsed.data;
  return parsed.data.kind === 'policy'
    ? { entry, domain, policyText: parsed.data.policyText }
    : { entry, domain };
}

function problemOf({ issues: [issue] }: z.ZodError): string {
  const message = issue?.message.replace(/^Invalid (input|option): /, '') ?? 'is no entry';
  return [issue?.path.join('.'), message].filter(Boolean).join(': ');
}

/** A line that says what it adds to the spend must add that: whoever summed it up has counted on it. */
function sumsAgree(line: object, entry: Entry): boolean {
  const said = line as Readonly<Record<string, unknown>>;
  return Object.entries(postedBy(entry)).every(
    ([field, sum]) => said[field] === undefined || said[field] === sum,
  );
}

/** @returns undefined if a cost is none in whole nano-dollars */
function entryFrom(line: Line): Entry | undefined {
  const head = { id: line.id, atMs: msOf(line.id) };
  switch (line.kind) {
    case 'authorized': {
      const held = askedOf(line);
      const { kind, holdUntilUs, forced } = line;
      return held && { ...head, kind, facts: factsOf(line), held, holdUntilUs, forced };
    }
    case 'settled': {
      const { kind, state, outcome, final, late, returned, ranOut } = line;
      const held = amountsOf(
        line.estimatedCostNano ?? nanoFromUsd(line.estimatedCost),
        line.heldTokensIn,
        line.heldTokensOut,
        line.heldPriceSource,
      );
      const settled = amountsOf(
        line.actualCostNano ?? nanoFromUsd(line.actualCost),
        line.tokensIn,
        line.tokensOut,
        line.priceSource,
      );
      const { heldModel, heldProvider = '' } = line;
      const heldAs =
        heldModel === undefined ? {} : { heldAs: { model: heldModel, provider: heldProvider } };
      const how = { state, outcome, final, late, returned, ranOut, ...heldAs };
      return held && settled && { ...head, kind, facts: factsOf(line), ...how, held, settled };
    }
    case 'ran_out':
    case 'released':
    case 'withdrawn': {
      const held = askedOf(line);
      const { kind, ranOut, final } = line;
      return held && { ...head, kind, facts: factsOf(line), held, ranOut, final };
    }
    case 'denied': {
      const asked = askedOf(line);
      const { kind, rule, deniedCalls: calls, firstUs, lastUs } = line;
      const about = { rule, partition: line.partition, calls, firstUs, lastUs };
      const { metric, used, limit, retryAtUs, lastRunId: run } = line;
      const askedAgain = {
        costNano: line.againCostNano,
        tokensIn: line.againTokensIn,
        tokensOut: line.againTokensOut,
      };
      const window = { metric, used, limit, retryAtUs, run };
      return (
        asked && { ...head, kind, facts: factsOf(line), ...about, asked, askedAgain, ...window }
      );
    }
    case 'halted':
    case 'threshold': {
      const { agentId: agent, teamId: team, runId: run, domain: _domain, ...rest } = line;
      return { ...rest, ...head, agent, team, run };
    }
    case 'policy': {
      const { kind, hash, from, by } = line;
      return { ...head, kind, hash, from, by };
    }
    default: {
      const { agentId: agent, domain: _domain, ...rest } = line;
      return { ...rest, ...head, agent };
    }
  }
}

function askedOf(line: Extract<Line, { priceSource: string }>) {
  const nano = line.estimatedCostNano ?? nanoFromUsd(line.estimatedCost);
  return amountsOf(nano, line.tokensIn, line.tokensOut, line.priceSource);
}

function amountsOf(
  costNano: number,
  tokensIn: number,
  tokensOut: number,
  costSource: Amounts['costSource'],
): Amounts | undefined {
  return Number.isSafeInteger(costNano) ? { costNano, costSource, tokensIn, tokensOut } : undefined;
}

function factsOf(line: Extract<Line, { depth: number }>): Facts {
  const texts = Object.fromEntries(
    Object.entries(FACT_NAMES).map(([fact, field]) => [fact, line[field] ?? '']),
  ) as Record<keyof typeof FACT_NAMES, string>;
  const { depth, labels, timestamp } = line;
  return {
    ...texts,
    rootAgent: texts.rootAgent || texts.agent,
    depth,
    labels,
    timestampMs: timestamp === undefined ? undefined : Date.parse(timestamp),
  };
}
