import type { CostSource } from '../model/amounts.js';
import { discounted, type Price } from './price.js';
import { PRICE_TABLE, type TablePrice, tablePrice } from './table.js';

/** What the operator says of prices. */
export interface PriceList {
  /** Prices of models, in the order of the policy file. */
  readonly models: readonly ModelPrice[];
  /** Prices of tools, per call; the first that matches counts. */
  readonly tools: readonly ToolPrice[];
  /** What a model without a price counts as. */
  readonly assumed: Price;
  /** A call whose model has no price is denied. */
  readonly deniesUnpriced: boolean;
  /** The output tokens of a call that says nothing of them, before there is experience. */
  readonly defaultTokensOut: number;
}

/** One entry of the operator's prices of models. */
export interface ModelPrice {
  readonly matches: (model: string, provider: string) => boolean;
  /** Which models of which providers, for people; entries with equal ones are one price over time. */
  readonly selector: string;
  /** From when it counts, ms since the Unix epoch; -Infinity for always. */
  readonly fromMs: number;
  /** The price, or what is taken off that of the built-in table. */
  readonly terms: { readonly price: Price } | { readonly discountMillionths: bigint };
}

export interface ToolPrice {
  readonly pattern: string;
  readonly matches: (tool: string) => boolean;
  readonly costNano: number;
}

/** The price of one model, and how it is known. */
export interface Quote {
  readonly price: Price;
  readonly source: Extract<CostSource, 'table' | 'policy' | 'assumed'>;
  /** Where it stands, for people. */
  readonly origin: string;
  /** Since when it counts, ms since the Unix epoch; undefined if nobody says. */
  readonly sinceMs: number | undefined;
}

/** Answers what things cost. */
export interface PriceBook {
  readonly list: PriceList;
  /**
   * The price of a model at a moment: the policy's, else the built-in table's, else the assumed one.
   * @param model not ''
   * @param provider '' if nobody named it
   */
  priceOf(model: string, provider: string, atMs: number): Quote;
  /** What one call of the tool costs; undefined if nobody says. */
  toolNano(tool: string): number | undefined;
}

/**
 * How many prices are kept once found: far more than a fleet has models. Finding one again costs well
 * under a millisecond, so names that an agent makes up cost time and no memory.
 */
const MAX_KEPT = 1_000;

/** A quote, and the time within which it holds. */
interface Kept {
  readonly quote: Quote;
  readonly fromMs: number;
  readonly untilMs: number;
}

export function createPriceBook(list: PriceList): PriceBook {
  const kept = new Map<string, Kept>();
  return {
    list,
    priceOf(model, provider, atMs) {
      // No name contains a line break.
      const key = `${model}\n${provider}`;
      const known = kept.get(key);
      if (known && known.fromMs <= atMs && atMs < known.untilMs) return known.quote;
      const found = findPrice(list, model, provider, atMs);
      const [oldest] = kept.keys();
      if (!known && kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      kept.set(key, found);
      return found.quote;
    },
    toolNano: (tool) => list.tools.find(({ matches }) => matches(tool))?.costNano,
  };
}

function findPrice(list: PriceList, model: string, provider: string, atMs: number): Kept {
  const matching = list.models.filter(({ matches }) => matches(model, provider));
  const nextMs = Math.min(...matching.map(({ fromMs }) => fromMs).filter((ms) => ms > atMs));
  const table = tablePrice(model, provider, atMs);
  const quote = policyQuote(matching, table, atMs) ?? listQuote(list, table);
  const untilMs = Math.min(nextMs, table?.untilMs ?? Number.POSITIVE_INFINITY);
  return { quote, fromMs: atMs, untilMs };
}

function listQuote(list: PriceList, table: TablePrice | undefined): Quote {
  return table
    ? {
        price: table.price,
        source: 'table',
        origin: tableOrigin(table),
        sinceMs: table.sinceMs,
      }
    : {
        price: list.assumed,
        source: 'assumed',
        origin: 'nobody knows its price',
        sinceMs: undefined,
      };
}

/** The first entry that has begun and can price the model, at its latest terms. */
function policyQuote(
  matching: readonly ModelPrice[],
  table: TablePrice | undefined,
  atMs: number,
): Quote | undefined {
  const begun = matching.filter(({ fromMs }) => fromMs <= atMs);
  for (const { selector } of begun) {
    const { terms, fromMs } = begun
      .filter((other) => other.selector === selector)
      .reduce((latest, other) => (other.fromMs > latest.fromMs ? other : latest));
    const sinceMs = Number.isFinite(fromMs) ? fromMs : undefined;
    if ('price' in terms) {
      return { price: terms.price, source: 'policy', origin: selector, sinceMs };
    }
    if (!table) continue;
    const percent = Number(terms.discountMillionths) / 10_000;
    return {
      price: discounted(table.price, terms.discountMillionths),
      source: 'policy',
      origin: `${selector}: ${percent}% off ${tableOrigin(table)}`,
      sinceMs: Math.max(sinceMs ?? 0, table.sinceMs ?? 0) || undefined,
    };
  }
  return undefined;
}

function tableOrigin({ entry }: TablePrice): string {
  return `${entry} in ${PRICE_TABLE.name} ${PRICE_TABLE.version} of ${PRICE_TABLE.date}`;
}
