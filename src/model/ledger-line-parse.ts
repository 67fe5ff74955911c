import { z } from 'zod';
import { type Amounts, COST_SOURCES, METRICS } from './amounts.js';
import { type Entry, type Facts, msOf } from './entry.js';
import { FACT_NAMES, type LineOrigin, MAX_POLICY_TEXT_BYTES, postedBy } from './ledger-line.js';
import { nanoFromUsd } from './money.js';
import { OUTCOMES } from './settlement.js';
import { MAX_TEXT_BYTES, textProblem } from './text.js';

/** A policy's text at its longest, escaped, and twice what an entry has besides. */
export const MAX_LINE_BYTES = 262_144;

/** A partition has the values of several attributes, each of which may grow threefold by its encoding. */
const MAX_PARTITION_BYTES = 16_384;

/** What people write: no line of a report, but no book either. */
const MAX_PROSE_BYTES = 16_384;

/** A text that keys and the lines of the stream can hold. */
function name(maxBytes = MAX_TEXT_BYTES) {
  return z.string().superRefine((text, context) => {
    const message = textProblem(text, maxBytes);
    if (message) context.addIssue({ code: 'custom', message });
  });
}

function long(maxBytes: number) {
  return z.string().refine((text) => Buffer.byteLength(text) <= maxBytes, {
    error: `is over ${maxBytes} bytes`,
  });
}

const prose = long(MAX_PROSE_BYTES);
const whole = z.int();
const count = z.int().nonnegative();
const dollars = z.number().nonnegative();
const source = z.enum(COST_SOURCES);
const flag = z.boolean().default(false);

const base = {
  // Milliseconds that a Date can hold, and the 64 bits of a sequence.
  id: z.string().regex(/^\d{1,15}-\d{1,20}$/, { error: 'must be MILLISECONDS-NUMBER' }),
  // Values of a field are domains, too, as they are encoded.
  domain: name(3 * MAX_TEXT_BYTES).optional(),
};

const facts = {
  ...(Object.fromEntries(
    Object.values(FACT_NAMES).map((field) => [field, name().optional()]),
  ) as Record<(typeof FACT_NAMES)[keyof typeof FACT_NAMES], z.ZodOptional<z.ZodString>>),
  depth: count.default(0),
  labels: z.record(name(), name()).default({}),
  timestamp: z.iso.datetime().optional(),
};

const asked = {
  tokensIn: count,
  tokensOut: count,
  estimatedCost: dollars,
  estimatedCostNano: count.optional(),
  priceSource: source,
};

const ended = { ...base, ...facts, ...asked, ranOut: flag, final: flag };
const agentId = name();
const partition = name(MAX_PARTITION_BYTES);

const schema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('authorized'),
    ...base,
    ...facts,
    ...asked,
    holdUntilUs: count,
    forced: flag,
  }),
  z.object({
    kind: z.literal('settled'),
    ...base,
    ...facts,
    ...asked,
    actualCost: dollars,
    actualCostNano: count.optional(),
    heldTokensIn: count,
    heldTokensOut: count,
    heldPriceSource: source,
    heldModel: name().optional(),
    heldProvider: name().optional(),
    state: z.enum(['settled', 'unheld', 'unauthorized']),
    outcome: z.enum(OUTCOMES),
    final: flag,
    late: flag,
    returned: flag,
    ranOut: flag,
  }),
  z.object({ kind: z.enum(['ran_out', 'released', 'withdrawn']), ...ended }),
  z.object({
    kind: z.literal('denied'),
    ...base,
    ...facts,
    ...asked,
    rule: name(),
    partition,
    deniedCalls: count,
    firstUs: count,
    lastUs: count,
    againCostNano: count.default(0),
    againTokensIn: count.default(0),
    againTokensOut: count.default(0),
    metric: z.enum(METRICS).optional(),
    used: count.default(0),
    limit: count.default(0),
    retryAtUs: count.default(0),
    lastRunId: name().default(''),
  }),
  z.object({
    kind: z.literal('halted'),
    ...base,
    agentId,
    rule: name(),
    by: prose,
    why: prose,
    untilUs: count,
  }),
  z.object({ kind: z.literal('resumed'), ...base, agentId, by: prose }),
  z.object({
    kind: z.literal('granted'),
    ...base,
    agentId,
    rule: name(),
    add: whole,
    by: prose,
    why: prose,
    untilUs: count,
  }),
  z.object({
    kind: z.literal('threshold'),
    ...base,
    rule: name(),
    partition,
    metric: z.enum(METRICS),
    limit: count,
    amount: count,
    agentId,
  }),
  z.object({
    kind: z.literal('policy'),
    ...base,
    hash: name(),
    from: prose,
    by: prose,
    policyText: long(MAX_POLICY_TEXT_BYTES).optional(),
  }),
  z.object({
    kind: z.literal('annotation'),
    ...base,
    agentId: agentId.default(''),
    text: prose,
    by: prose,
    fromMs: whole,
    toMs: whole,
  }),
]);

type Line = z.infer<typeof schema>;

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
  const parsed = schema.safeParse(value);
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
