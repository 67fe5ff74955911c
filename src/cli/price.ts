import { parseArgs } from 'node:util';
import { formatUsd, usdFromNano } from '../model/money.js';
import { STARTER_POLICY } from '../policy/starter.js';
import { readPolicy } from '../policy/watch.js';
import type { Quote } from '../pricing/book.js';
import {
  costNano,
  formatRate,
  MAX_TOKENS,
  type Rates,
  ratesFor,
  type Usage,
} from '../pricing/price.js';
import { PRICE_TABLE } from '../pricing/table.js';
import { setting } from '../settings.js';
import { type Command, EXIT, UsageError } from './command.js';
import { parseTimestampMs } from './record.js';
import { alignRows } from './show.js';

const text = { type: 'string' } as const;

export const price: Command = {
  help: `usage: tollgate price MODEL --in N --out N [options]

Says what a call costs by the policy of TOLLGATE_POLICY (else the starter policy) and the built-in
table, ${PRICE_TABLE.name} ${PRICE_TABLE.version} of ${PRICE_TABLE.date}.

  --in N            input tokens, cached ones included
  --out N           output tokens, those of reasoning included
  --cached N        of the input tokens, those read from the provider's cache
  --cache-write N   of the input tokens, those written to it
  --provider TEXT   who serves the model, e.g. azure
  --at DATE         when, e.g. 2026-09-01 or 2026-09-01T12:00:00Z; default: now
  --json            print it as JSON

Exit codes: 0 said, 1 the policy is refused or denies models without a price.`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        in: text,
        out: text,
        cached: text,
        'cache-write': text,
        provider: text,
        at: text,
        json: { type: 'boolean' },
      },
    });
    const [model = ''] = positionals;
    if (model === '' || positionals.length > 1) throw new UsageError('price takes one model');
    const atMs = values.at === undefined ? Date.now() : parseTimestampMs(values.at);
    if (Number.isNaN(atMs)) throw new UsageError(`--at: "${values.at}" is no date`);
    const usage: Usage = {
      tokensIn: parseTokens('in', values.in),
      tokensOut: parseTokens('out', values.out),
      cachedTokensIn: parseTokens('cached', values.cached ?? '0'),
      cacheWriteTokensIn: parseTokens('cache-write', values['cache-write'] ?? '0'),
      cacheWrite1hTokensIn: 0,
    };
    if (usage.cachedTokensIn + usage.cacheWriteTokensIn > usage.tokensIn) {
      throw new UsageError('--in must include the tokens of --cached and --cache-write');
    }

    const file = setting(process.env, 'TOLLGATE_POLICY') || STARTER_POLICY;
    const policy = readPolicy(file);
    if ('errors' in policy) {
      console.error(`the policy is refused; tollgate check ${file} says why`);
      return EXIT.wrong;
    }
    const quote = policy.prices.priceOf(model, values.provider ?? '', atMs);
    const denied = quote.source === 'assumed' && policy.prices.list.deniesUnpriced;
    const answer = { model, provider: values.provider ?? '', atMs, usage, quote, denied };
    console.log(values.json ? JSON.stringify(priceJson(answer)) : showPrice(answer));
    return denied ? EXIT.wrong : EXIT.ok;
  },
};

interface Answer {
  readonly model: string;
  readonly provider: string;
  readonly atMs: number;
  readonly usage: Usage;
  readonly quote: Quote;
  /** The policy denies a call without a price. */
  readonly denied: boolean;
}

function parseTokens(option: string, value: string | undefined): number {
  if (value === undefined) throw new UsageError(`--${option} is missing`);
  const tokens = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (tokens <= MAX_TOKENS) return tokens;
  throw new UsageError(`--${option}: "${value}" must be a whole number from 0 to ${MAX_TOKENS}`);
}

function showPrice({ model, usage, quote, denied }: Answer): string {
  const { price, source, origin } = quote;
  const rates = ratesFor(price, usage.tokensIn);
  const plain = usage.tokensIn - usage.cachedTokensIn - usage.cacheWriteTokensIn;
  const parts: [number, string, bigint][] = [
    [plain, 'tokens in', rates.input],
    [usage.cachedTokensIn, 'cached tokens in', rates.cachedInput],
    [usage.cacheWriteTokensIn, 'tokens in written to the cache', rates.cacheWrite],
    [usage.tokensOut, 'tokens out', rates.output],
    [1, 'request', rates.request],
  ];
  const rows = parts
    .filter(([count, name, rate]) => count > 0 && (name !== 'request' || rate > 0n))
    .map(([count, name, rate]) => [`${count}`, name, `at ${formatRate(rate)} USD per million`]);
  const tier = rates === price.base ? '' : ', the price of long inputs';
  return [
    `${formatUsd(costNano(price, usage))}  ${model}`,
    ...alignRows(rows).map((row) => `  ${row}`),
    `  ${source}: ${origin}${dateOf(quote)}${tier}`,
    ...(denied ? ['  the policy denies calls to a model without a price'] : []),
  ].join('\n');
}

function dateOf({ sinceMs }: Quote): string {
  return sinceMs === undefined ? '' : `, since ${isoDate(sinceMs)}`;
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Rates are texts: they may have more digits than a double. */
function priceJson({ model, provider, atMs, usage, quote, denied }: Answer): object {
  const { price, source, origin, sinceMs } = quote;
  const nano = costNano(price, usage);
  return {
    model,
    provider,
    at: new Date(atMs).toISOString(),
    costUsd: usdFromNano(nano),
    costNano: nano,
    source,
    origin,
    since: sinceMs === undefined ? null : isoDate(sinceMs),
    denied,
    usdPerMillion: ratesJson(price.base),
    longInputs: price.tiers.map(({ overTokensIn, rates }) => ({
      overTokensIn,
      usdPerMillion: ratesJson(rates),
    })),
    table: PRICE_TABLE,
  };
}

function ratesJson(rates: Rates): Record<keyof Rates, string> {
  return {
    input: formatRate(rates.input),
    output: formatRate(rates.output),
    cachedInput: formatRate(rates.cachedInput),
    cacheWrite: formatRate(rates.cacheWrite),
    cacheWrite1h: formatRate(rates.cacheWrite1h),
    request: formatRate(rates.request),
  };
}
