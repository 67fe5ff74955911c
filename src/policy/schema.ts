import { z } from 'zod';
import { METRICS } from '../model/amounts.js';
import { ATTRIBUTES, LABEL_PREFIX } from '../model/call.js';
import { STAND_INS } from '../model/denier.js';
import { MAX_TOKENS } from '../pricing/price.js';
import { alertsSchema } from './alert-schema.js';
import { CALENDARS, isTimezone } from './calendar.js';
import { parseDepth } from './condition.js';
import { globs } from './glob-schema.js';
import { pricesSchema, unpricedSchema } from './price-schema.js';
import { parseWindowSeconds } from './window.js';

/**
 * The shape of the policy file. The JSON Schema for editors comes from this definition too, so each
 * key's description is what an operator reads while writing it.
 */
const MAX_RULES = 500;

const TOKENS_ERROR = `must be a whole number from 0 to ${MAX_TOKENS}`;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A label's name in `match` and `per`. */
const LABEL = /^labels\.[^\s.]{1,64}$/;

const depth = z
  .union([z.string(), z.int()], { error: 'must be a number or a comparison such as ">5"' })
  .superRefine((value, context) => {
    const parsed = parseDepth(String(value));
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
  });

/** Says what is wrong with a key of `match`; undefined if nothing is. */
export function matchKeyProblem(key: string): string | undefined {
  if (key === 'depth' || LABEL.test(key) || ATTRIBUTES.some((known) => known === key))
    return undefined;
  return `unknown key; match knows ${ATTRIBUTES.join(', ')}, depth and ${LABEL_PREFIX}NAME`;
}

const match = z
  .object({
    ...Object.fromEntries(ATTRIBUTES.map((attribute) => [attribute, globs.optional()])),
    depth: depth.optional(),
  })
  .catchall(globs)
  .describe(
    'Which calls the rule applies to: globs, or lists of globs (a leading ! excludes). An absent field means any.',
  );

const attributeError = {
  error: `must be one of ${ATTRIBUTES.join(', ')}, fingerprint or ${LABEL_PREFIX}NAME`,
};
const attribute = z.union(
  [z.enum([...ATTRIBUTES, 'fingerprint']), z.string().regex(LABEL, attributeError)],
  attributeError,
);

const limit = z
  .number({ error: 'must be a number from 0' })
  .nonnegative({ error: 'must not be negative' })
  .describe('The most of the metric in one window: calls, tokens, or USD.');

/** Adds what is wrong with a length: seconds, or a text such as 15m. */
function checkLength(value: number | string, context: z.RefinementCtx): void {
  const seconds = parseWindowSeconds(value);
  if (typeof seconds !== 'number') context.addIssue({ code: 'custom', message: seconds.problem });
}

const duration = z
  .union([z.number(), z.string()], {
    error: 'must be seconds, or a text such as 90s, 15m, 24h, 30d',
  })
  .superRefine(checkLength);

const timezoneError = { error: 'must be an IANA timezone, such as Asia/Singapore' };
export const timezoneSchema = z.string(timezoneError).refine(isTimezone, timezoneError);
const calendarWindow = z.strictObject({
  calendar: z.enum(CALENDARS).describe('Each day, week (from Monday) or month by itself.'),
  timezone: timezoneSchema
    .optional()
    .describe('Whose days they are: an IANA timezone. Default: that of the policy.'),
});

const window = z
  .union([z.number(), z.string(), calendarWindow], {
    error: 'must be seconds, a text such as 90s, 15m, 24h, 30d, or a map such as {calendar: day}',
  })
  .superRefine((value, context) => {
    if (typeof value !== 'object') checkLength(value, context);
  });

const rateLimit = z.strictObject({
  metric: z.enum(METRICS).default('calls').describe('What is counted.'),
  limit,
  window: window.describe(
    'The time in which it is counted. A window slides: seconds, or a text such as 90s, 15m, 24h, 30d; or it is a day, week or month of the calendar.',
  ),
});

export const ruleSchema = z.strictObject({
  id: z
    .string()
    .regex(ID, { error: 'must be 1 to 64 letters, digits, dots, dashes or underscores' })
    .refine((id) => !Object.hasOwn(STAND_INS, id), {
      error: `must not be ${Object.keys(STAND_INS).join(', ')}, which stand for no rule in metrics and ledger`,
    })
    .describe('Unique name of the rule, shown in every denial.'),
  action: z
    .enum(['block', 'halt', 'alert', 'shadow'])
    .describe(
      'block denies; halt denies, and every later call of the agent until the halt ends; alert allows, charges and raises; shadow allows and counts what block would deny.',
    ),
  haltFor: duration
    .optional()
    .describe('How long a halt rule halts the agent. Default: until a person resumes it.'),
  match: match.default({}),
  per: z
    .array(attribute)
    .max(8)
    .optional()
    .describe(
      'The attributes whose values each get a window of their own. Default: the identity fields (agent, team, costCentre, run, rootAgent) that match names, else [agent]. [] is one window for all.',
    ),
  require: z
    .array(attribute)
    .max(8)
    .default([])
    .describe('A matching call without one of these is denied.'),
  rateLimit: rateLimit.optional().describe('Without it, a block rule denies every matching call.'),
  alertAt: z
    .array(
      z
        .number()
        .gte(0.001, { error: 'must be at least 0.001' })
        .lte(1, { error: 'must be at most 1.0, the whole limit' }),
    )
    .min(1)
    .max(8)
    .optional()
    .describe('Shares of the limit at which to raise, once per window and partition.'),
  overrides: z
    .array(z.strictObject({ match, limit }))
    .max(MAX_RULES)
    .default([])
    .describe('Other limits for some calls; the first that matches counts.'),
  failureMode: z
    .enum(['allow', 'deny'])
    .optional()
    .describe('The answer when Redis cannot give one. Default: deny for money, allow otherwise.'),
});

const MAX_ENTRIES_ERROR = 'must be whole, 10000 to 100000000';

export const policySchema = z
  .strictObject({
    domain: z
      .string()
      .regex(/^([A-Za-z0-9][A-Za-z0-9._-]{0,63}|\{(agent|team|costCentre|instance)\})$/, {
        error: 'must be a name, or an identity field in braces, such as "{team}"',
      })
      .default('default')
      .describe('The namespace in Redis: a name, or an identity field such as "{team}".'),
    mode: z
      .enum(['enforce', 'shadow'])
      .default('enforce')
      .describe('shadow: every rule decides and counts, none denies.'),
    unmatched: z
      .enum(['allow', 'deny'])
      .default('allow')
      .describe('What becomes of a call that no rule matches.'),
    holdFor: duration
      .default('15m')
      .describe('How long an admitted call may run before its hold counts as run out.'),
    settleFor: duration
      .default('1h')
      .describe('How long after that it may still be settled against its hold.'),
    timezone: timezoneSchema
      .default('UTC')
      .describe(
        'Whose days and months reports and calendar windows speak of: an IANA timezone, such as Asia/Singapore.',
      ),
    ledger: z
      .strictObject({
        maxEntries: z
          .int({ error: MAX_ENTRIES_ERROR })
          .gte(10_000, { error: MAX_ENTRIES_ERROR })
          .lte(100_000_000, { error: MAX_ENTRIES_ERROR })
          .default(250_000)
          .describe(
            'The most entries of the ledger in Redis, about 350 bytes each; past it the oldest go, even where no keeper has summed them up.',
          ),
        keepFor: duration
          .default('7d')
          .describe('How long an entry stays in Redis once it is summed up.'),
        labels: z
          .array(z.string().min(1).max(64))
          .max(4)
          .default([])
          .describe('Names of labels over which spend is summed, such as customer.'),
      })
      .prefault({})
      .describe('How the ledger, from which reports come, is kept.'),
    alerts: alertsSchema
      .default([])
      .describe('Whom a keeper tells when a rule blocks, halts or reaches a threshold: webhooks.'),
    prices: pricesSchema
      .prefault({})
      .describe(
        'What models and tools cost, where the built-in table does not know it, or not right.',
      ),
    unpricedModel: unpricedSchema
      .optional()
      .describe(
        'What becomes of a call whose model has no price: deny, or the price to assume. Default: 15 and 75 USD per million tokens in and out.',
      ),
    defaultTokensOut: z
      .int({ error: TOKENS_ERROR })
      .gte(0, { error: TOKENS_ERROR })
      .lte(MAX_TOKENS, { error: TOKENS_ERROR })
      .default(4096)
      .describe(
        'How many output tokens a call to a model counts as that gives none, until enough such calls have been seen.',
      ),
    rules: z
      .array(ruleSchema)
      .max(MAX_RULES)
      .describe('All that match apply; the strictest decides.'),
  })
  .describe('The policy of Tollgate, the spend and rate-limit sidecar for AI agents.');

export type PolicyFile = z.infer<typeof policySchema>;
export type RuleFile = PolicyFile['rules'][number];

/** The JSON Schema of the file, for editors. */
export function policyJsonSchema(): object {
  return z.toJSONSchema(policySchema, { io: 'input' });
}
