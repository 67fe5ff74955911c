import { z } from 'zod';
import { globs } from './glob-schema.js';

/** The shape of what a policy file says of prices. */
const MAX_PRICES = 500;

const DATE_ERROR = 'must be a date such as 2026-09-01';
const SHARE_ERROR = 'must be a share from 0 to 1, such as 0.15';

/** An amount of money in the file; its digits are read from the text. */
const usd = z
  .number({ error: 'must be an amount of USD from 0' })
  .nonnegative({ error: 'must not be negative' });

const date = z.string({ error: DATE_ERROR }).refine(
  (text) => {
    const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    // 31 February is read as a day of March.
    return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
  },
  { error: DATE_ERROR },
);

export const modelPriceSchema = z.strictObject({
  model: globs.describe('Which models: a glob, or a list of globs (a leading ! excludes).'),
  provider: globs.optional().describe('Of which providers, likewise. Absent means any.'),
  inputUsdPerMillion: usd.optional().describe('USD per million input tokens.'),
  outputUsdPerMillion: usd.optional().describe('USD per million output tokens.'),
  cachedInputUsdPerMillion: usd
    .optional()
    .describe("USD per million input tokens read from the provider's cache. Default: as input."),
  cacheWriteUsdPerMillion: usd
    .optional()
    .describe("USD per million input tokens written to the provider's cache. Default: as input."),
  discount: z
    .number({ error: SHARE_ERROR })
    .gte(0, { error: SHARE_ERROR })
    .lte(1, { error: SHARE_ERROR })
    .optional()
    .describe('The share taken off the built-in price, instead of prices: 0.15 is 15% off.'),
  from: date
    .optional()
    .describe(
      'The first day (UTC) on which the entry counts, such as 2026-09-01. Of entries for the same model and provider, the latest that has begun counts.',
    ),
});

export const pricesSchema = z.strictObject({
  models: z
    .array(modelPriceSchema)
    .max(MAX_PRICES)
    .default([])
    .describe('Prices that go before the built-in ones; the first entry that matches counts.'),
  tools: z
    .record(z.string(), usd)
    .refine((tools) => Object.keys(tools).length <= MAX_PRICES, {
      error: `must be at most ${MAX_PRICES} prices`,
    })
    .default({})
    .describe('USD per call of a tool, by globs over its name; the first that matches counts.'),
});

export const unpricedSchema = z.union(
  [z.literal('deny'), z.strictObject({ inputUsdPerMillion: usd, outputUsdPerMillion: usd })],
  { error: 'must be deny, or both inputUsdPerMillion and outputUsdPerMillion' },
);

export type ModelPriceFile = z.infer<typeof modelPriceSchema>;
