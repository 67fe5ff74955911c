import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PriceBook } from '../../src/pricing/book.js';
import { formatRate } from '../../src/pricing/price.js';
import { bookOf } from '../support/prices.js';

const AT = Date.parse('2026-10-15T12:00:00Z');

/** `policy 0.2 0.6`: the source, USD per million in and out. */
function quote(book: PriceBook, model: string, provider = '', atMs = AT): string {
  const { source, price } = book.priceOf(model, provider, atMs);
  return `${source} ${formatRate(price.base.input)} ${formatRate(price.base.output)}`;
}

const POLICY = `
prices:
  models:
    - { model: ["my-*", "!my-free-*"], provider: my-gateway, inputUsdPerMillion: 0.20, outputUsdPerMillion: 0.60 }
    - { model: "my-*", inputUsdPerMillion: 0.3, outputUsdPerMillion: 0.7, cachedInputUsdPerMillion: 0.05, cacheWriteUsdPerMillion: 0.375 }
    - { model: "gpt-*", provider: azure, discount: 0.15 }
    - { model: dated, inputUsdPerMillion: 1, outputUsdPerMillion: 1 }
    - { model: dated, inputUsdPerMillion: 3, outputUsdPerMillion: 3, from: 2026-11-01 }
    - { model: dated, inputUsdPerMillion: 2, outputUsdPerMillion: 2, from: 2026-10-01 }
    - { model: "date*", inputUsdPerMillion: 9, outputUsdPerMillion: 9 }
    - { model: later, inputUsdPerMillion: 4, outputUsdPerMillion: 4, from: 2026-11-01 }
  tools: { web_search: 0.01, "web_*": 0.000000001, "*": 0 }
`;

describe('a price book', () => {
  const book = bookOf(POLICY);

  test('takes the first entry of the policy that matches, then the table, then what is assumed', () => {
    assert.equal(quote(book, 'my-llama', 'my-gateway'), 'policy 0.2 0.6');
    assert.equal(quote(book, 'my-llama'), 'policy 0.3 0.7');
    assert.equal(quote(book, 'my-free-llama', 'my-gateway'), 'policy 0.3 0.7');
    assert.equal(quote(book, 'gpt-4o'), 'table 2.5 10');
    assert.equal(quote(book, 'nobody-knows-it'), 'assumed 15 75');
    assert.equal(quote(book, 'nobody-knows-it', 'nor-them'), 'assumed 15 75');
  });

  test('cached tokens cost as other input, unless the policy says otherwise', () => {
    const { base } = book.priceOf('my-llama', '', AT).price;
    assert.deepEqual([base.cachedInput, base.cacheWrite].map(formatRate), ['0.05', '0.375']);
    const { base: plain } = book.priceOf('my-llama', 'my-gateway', AT).price;
    assert.deepEqual([plain.cachedInput, plain.cacheWrite].map(formatRate), ['0.2', '0.2']);
  });

  test('a discount is taken off every rate of the table; what the table lacks has none', () => {
    assert.equal(quote(book, 'gpt-4o', 'azure'), 'policy 2.125 8.5');
    const { price, origin } = book.priceOf('gpt-5.4', 'azure', AT);
    assert.equal(formatRate(price.base.cachedInput), '0.2125');
    assert.equal(formatRate(price.tiers[0]?.rates.output ?? 0n), '19.125', 'of long inputs too');
    assert.match(origin, /^gpt-\* of azure: 15% off azure\/gpt-5\.4 in genai-prices 0/);
    assert.equal(quote(book, 'gpt-nobody-knows-it', 'azure'), 'assumed 15 75');
  });

  test('of entries for the same models the latest that has begun counts, whatever their order', () => {
    const at = (day: string) => quote(book, 'dated', '', Date.parse(day));
    assert.equal(at('2026-09-30T23:59:59.999Z'), 'policy 1 1');
    assert.equal(at('2026-10-01T00:00:00Z'), 'policy 2 2');
    assert.equal(at('2026-10-31T23:59:59.999Z'), 'policy 2 2');
    assert.equal(at('2026-11-01T00:00:00Z'), 'policy 3 3');
    assert.equal(at('2026-10-01T00:00:00Z'), 'policy 2 2', 'asked about an earlier time');
    assert.equal(quote(book, 'later'), 'assumed 15 75', 'what has not begun does not count');
    assert.equal(quote(book, 'later', '', Date.parse('2026-11-01')), 'policy 4 4');
    assert.equal(book.priceOf('dated', '', AT).sinceMs, Date.parse('2026-10-01'));
  });

  test("the table's own changes come through, by day and by hour", () => {
    const flash = (at: string) => quote(book, 'deepseek-v4-flash', '', Date.parse(at));
    assert.equal(flash('2026-08-16T12:00:00Z'), 'table 0.14 0.28');
    assert.equal(flash('2026-08-17T12:00:00Z'), 'table 0.22 0.66');
    assert.equal(flash('2026-08-18T01:00:00Z'), 'table 0.44 1.32');
    assert.equal(flash('2026-08-18T04:00:00Z'), 'table 0.22 0.66');
  });

  test('a price is found once, and kept until it may change', () => {
    const first = book.priceOf('o3', 'openai', AT);
    assert.equal(book.priceOf('o3', 'openai', AT + 86_400_000 * 365), first);
    const cheap = book.priceOf('deepseek-v4-flash', '', Date.parse('2026-09-01T10:00:00Z'));
    const kept = book.priceOf('deepseek-v4-flash', '', Date.parse('2026-09-02T00:59:59Z'));
    const dear = book.priceOf('deepseek-v4-flash', '', Date.parse('2026-09-02T01:00:00Z'));
    assert.equal(kept, cheap);
    assert.notEqual(dear, cheap);
  });

  test('names that an agent makes up push out the oldest, not grow without end', () => {
    const small = bookOf();
    const first = small.priceOf('o3', '', AT);
    for (let n = 1; n < 1_000; n += 1) small.priceOf(`m${n}`, '', AT);
    assert.equal(small.priceOf('o3', '', AT), first, 'a thousand are kept');
    small.priceOf('m1000', '', AT);
    assert.notEqual(small.priceOf('o3', '', AT), first, 'not one more');
    assert.deepEqual(small.priceOf('o3', '', AT), first);
  });

  test('a tool costs what the first glob that matches says', () => {
    assert.equal(book.toolNano('web_search'), 10_000_000);
    assert.equal(book.toolNano('web_fetch'), 1);
    assert.equal(book.toolNano('other'), 0);
    assert.equal(bookOf().toolNano('web_search'), undefined);
  });

  test('the policy says what is assumed, or that nothing is', () => {
    const assumed = bookOf('unpricedModel: { inputUsdPerMillion: 1.5, outputUsdPerMillion: 7.5 }');
    assert.equal(quote(assumed, 'nobody-knows-it'), 'assumed 1.5 7.5');
    assert.equal(assumed.list.deniesUnpriced, false);
    const denied = bookOf('unpricedModel: deny');
    assert.equal(quote(denied, 'nobody-knows-it'), 'assumed 15 75');
    assert.equal(denied.list.deniesUnpriced, true);
  });
});
