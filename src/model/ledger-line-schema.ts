import { z } from 'zod';
import { COST_SOURCES, METRICS } from './amounts.js';
import { FACT_NAMES, MAX_POLICY_TEXT_BYTES } from './ledger-line.js';
import { OUTCOMES } from './settlement.js';
import { MAX_TEXT_BYTES, textProblem } from './text.js';

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
const setOff = {
  teamId: name().default(''),
  tool: name().default(''),
  runId: name().default(''),
};
const agentId = name();
const partition = name(MAX_PARTITION_BYTES);

/** What a line of the ledger may be. Lines of before lack what has a default. */
export const lineSchema = z.discriminatedUnion('kind', [
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
    ...setOff,
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
    ...setOff,
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

export type Line = z.infer<typeof lineSchema>;
