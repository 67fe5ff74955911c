import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  affordableTokensOut,
  costNano,
  discounted,
  formatRate,
  MAX_CALL_NANO,
  MAX_TOKENS,
  NO_USAGE,
  type Price,
  parseRate,
  type Usage,
} from '../../src/pricing/price.js';
import { settledAmounts } from '../../src/pricing/settled.js';
import { flatBook, priceOf } from '../support/prices.js';
import { type Seeded, seeded, testSeed } from '../support/seeded.js';

const HELD = { costNano: 0, costSource: 'none', tokensIn: 0, tokensOut: 0 } as const;

/** A fraction, for a reference that shares no arithmetic with what it checks. */
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

function fraction(decimal: string): Fraction {
  const [whole = '', part = ''] = decimal.split('.');
  return { over: BigInt(whole + part), under: BigInt(`1${'0'.repeat(part.length)}`) };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return a.under === b.under
    ? { over: a.over + b.over, under: a.under }
    : { over: a.over * b.under + b.over * a.under, under: a.under * b.under };
}

function times(a: Fraction, n: number): Fraction {
  return { over: a.over * BigInt(n), under: a.under };
}

/** USD per million tokens, summed up, as nano-dollars: half a nano-dollar goes up. */
function nanoOf({ over, under }: Fraction): number {
  const thousandths = under * 1_000n;
  const nano = (over * 1_000_000n) / thousandths;
  const rest = over * 1_000_000n - nano * thousandths;
  const rounded = Number(rest * 2n >= thousandths ? nano + 1n : nano);
  return Math.min(rounded, 1e15);
}

/** From a fraction of a cent to hundreds of dollars, in up to 9 decimals. */
function randomRate(random: Seeded): string {
  const decimals = random.upTo(9);
  const digits = String(random.upTo(10 ** random.upTo(9))).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return decimals === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function randomTokens(random: Seeded): number {
  return random.upTo(random.pick([0, 1, 10, 2_000, 200_001, MAX_TOKENS]));
}

/** `tokensIn` and parts of it. */
function randomUsage(random: Seeded): Usage {
  const plain = Math.floor(randomTokens(random) / 3);
  const cachedTokensIn = random.upTo(2) === 0 ? 0 : Math.floor(randomTokens(random) / 3);
  const cacheWriteTokensIn = random.upTo(2) > 0 ? 0 : Math.floor(randomTokens(random) / 3);
  return {
    tokensIn: plain + cachedTokensIn + cacheWriteTokensIn,
    tokensOut: randomTokens(random),
    cachedTokensIn,
    cacheWriteTokensIn,
    cacheWrite1hTokensIn: random.upTo(cacheWriteTokensIn),
  };
}

describe('the cost of a call', () => {
  test('a million settlements are those of a reference in fractions, to the nano-dollar', (t) => {
    const seed = testSeed();
    t.diagnostic(`TEST_SEED=${seed}`);
    const random = seeded(seed);
    for (let round = 0; round < 1_000; round += 1) {
      const texts = [0, 1, 2, 3, 4].map(() => randomRate(random));
      const [input = '', output = '', cached = '', write = '', write1h = ''] = texts;
      const long = randomRate(random);
      const overTokensIn = random.upTo(300_000);
      const millionths = random.upTo(2) === 0 ? random.upTo(1_000_000) : 0;
      const flat = priceOf(input, output, cached, write, write1h);
      const price: Price = {
        base: flat.base,
        tiers: [{ overTokensIn, rates: priceOf(long, long, cached, write, write1h).base }],
      };
      const book = flatBook(discounted(price, BigInt(millionths)));
      const left = fraction((1_000_000 - millionths).toString());
      const rates = [input, output, cached, write, write1h, long].map((text) => {
        const { over, under } = fraction(text);
        return { over: over * left.over, under: under * 1_000_000n };
      });
      const [i, o, c, w, h, l] = rates as [
        Fraction,
        Fraction,
        Fraction,
        Fraction,
        Fraction,
        Fraction,
      ];
      for (let settlement = 0; settlement < 1_000; settlement += 1) {
        const usage = randomUsage(random);
        const isLong = usage.tokensIn > overTokensIn;
        const written = usage.cacheWriteTokensIn - usage.cacheWrite1hTokensIn;
        const plain = usage.tokensIn - usage.cachedTokensIn - usage.cacheWriteTokensIn;
        const expected = nanoOf(
          [
            times(isLong ? l : o, usage.tokensOut),
            times(c, usage.cachedTokensIn),
            times(w, written),
            times(h, usage.cacheWrite1hTokensIn),
          ].reduce(plus, times(isLong ? l : i, plain)),
        );
        const settled = settledAmounts({ ...usage, costUsd: undefined }, 'm', '', HELD, book, 0);
        if (settled.costNano !== expected) {
          assert.fail(
            `TEST_SEED=${seed}: ${JSON.stringify({ usage, texts, long, overTokensIn, millionths })} costs ${settled.costNano}, not ${expected}`,
          );
        }
      }
    }
  });

  const rounding: [string, Price, Partial<Usage>, number][] = [
    ['gpt-4o: 1240 in, 89 out', priceOf('2.5', '10'), { tokensIn: 1240, tokensOut: 89 }, 3_990_000],
    [
      '2.8 nano-dollars a token',
      priceOf('0.14', '0.28', '0.0028'),
      { tokensIn: 1, cachedTokensIn: 1 },
      3,
    ],
    ['five of them', priceOf('0.14', '0.28', '0.0028'), { tokensIn: 5, cachedTokensIn: 5 }, 14],
    ['half a nano-dollar goes up', priceOf('0.0005', '0'), { tokensIn: 1 }, 1],
    ['a little less goes down', priceOf('0.000499999', '0'), { tokensIn: 1 }, 0],
    [
      'halves are summed before they are rounded',
      priceOf('0.0005', '0.0005'),
      { tokensIn: 1, tokensOut: 1 },
      1,
    ],
    ['a third', priceOf('0.08333333333333334', '0'), { tokensIn: 3 }, 250],
    ['nothing', priceOf('1', '1'), {}, 0],
    [
      'the whole input is cached',
      priceOf('3', '15', '0.3'),
      { tokensIn: 10_000, cachedTokensIn: 10_000 },
      3_000_000,
    ],
    [
      'a tenth is not',
      priceOf('3', '15', '0.3'),
      { tokensIn: 10_000, cachedTokensIn: 9_000 },
      5_700_000,
    ],
    [
      'cached tokens that are not counted as input',
      priceOf('3', '15', '0.3'),
      { tokensIn: 3, cachedTokensIn: 10_000 },
      3_000_000,
    ],
    [
      'written to the cache, some for an hour',
      priceOf('3', '15', '0.3', '3.75', '6'),
      { tokensIn: 1_000, cacheWriteTokensIn: 600, cacheWrite1hTokensIn: 100 },
      3_675_000,
    ],
    ['over a million dollars', priceOf('1000000', '0'), { tokensIn: MAX_TOKENS }, MAX_CALL_NANO],
    ['just a million dollars', priceOf('1000', '0'), { tokensIn: MAX_TOKENS }, MAX_CALL_NANO],
    ['just less', priceOf('999.999999999', '0'), { tokensIn: MAX_TOKENS }, MAX_CALL_NANO - 1_000],
  ];
  for (const [name, price, usage, expected] of rounding) {
    test(name, () => assert.equal(costNano(price, { ...NO_USAGE, ...usage }), expected));
  }

  test('a long input prices the whole call, from the first token over the threshold', () => {
    const price: Price = {
      base: priceOf('1', '2', '0.1').base,
      tiers: [
        { overTokensIn: 100, rates: priceOf('10', '20', '1').base },
        { overTokensIn: 200, rates: priceOf('100', '200', '10').base },
      ],
    };
    const cost = (tokensIn: number, cachedTokensIn = 0) =>
      costNano(price, { ...NO_USAGE, tokensIn, cachedTokensIn, tokensOut: 10 });
    assert.equal(cost(100), 120_000);
    assert.equal(cost(101), 1_210_000);
    assert.equal(cost(200), 2_200_000);
    assert.equal(cost(201), 22_100_000);
    assert.equal(cost(101, 101), 301_000, 'cached tokens count for the threshold');
    assert.equal(cost(0, 101), 301_000, 'even where they are not counted as input');
  });

  test('what is affordable is the most that fits: one token more does not', () => {
    const seed = testSeed();
    const random = seeded(seed);
    let within = 0;
    for (let run = 0; run < 20_000; run += 1) {
      const price: Price = {
        base: priceOf(randomRate(random), randomRate(random)).base,
        tiers: [
          { overTokensIn: 1_000, rates: priceOf(randomRate(random), randomRate(random)).base },
        ],
      };
      const tokensIn = randomTokens(random);
      const left = random.upTo(10 ** random.upTo(15));
      const tokensOut = affordableTokensOut(price, tokensIn, left);
      const cost = (tokens: number) =>
        costNano(price, { ...NO_USAGE, tokensIn, tokensOut: tokens });
      const where = `TEST_SEED=${seed} run ${run}: ${tokensOut} tokens of ${left} nano-dollars`;
      assert.ok(tokensOut >= 0 && tokensOut <= MAX_TOKENS && Number.isInteger(tokensOut), where);
      if (tokensOut > 0) assert.ok(cost(tokensOut) <= left, where);
      if (tokensOut < MAX_TOKENS) assert.ok(tokensOut === 0 || cost(tokensOut + 1) > left, where);
      if (tokensOut === 0) assert.ok(cost(0) > left || cost(1) > left, where);
      if (tokensOut > 0 && tokensOut < MAX_TOKENS) within += 1;
    }
    assert.ok(within > 1_000, `only ${within} runs say anything`);
  });

  test('what is affordable at the bounds', () => {
    assert.equal(affordableTokensOut(priceOf('2.5', '10'), 1240, 3_990_000), 89);
    assert.equal(affordableTokensOut(priceOf('2.5', '10'), 1240, 3_100_000), 0, 'the input alone');
    assert.equal(affordableTokensOut(priceOf('2.5', '10'), 1240, 3_099_999), 0, 'not even that');
    assert.equal(affordableTokensOut(priceOf('1', '0'), 1, 1_000), MAX_TOKENS, 'output is free');
    assert.equal(affordableTokensOut(priceOf('1', '0'), 2, 1_000), 0);
    assert.equal(affordableTokensOut(priceOf('0', '1000000'), 0, MAX_CALL_NANO), MAX_TOKENS);
  });
});

test('a rate keeps every digit of its text', () => {
  for (const digits of ['0', '2.5', '0.0028', '15', '100', '0.18000000000000002', '0.000000001']) {
    const rate = parseRate(digits);
    assert.ok(rate !== undefined);
    assert.equal(formatRate(rate), digits);
  }
  assert.equal(formatRate(discounted(priceOf('0.0028', '1'), 150_000n).base.input), '0.00238');
  for (const digits of ['', '-1', '1e3', '.5', '0x1', `0.${'0'.repeat(24)}1`]) {
    assert.equal(parseRate(digits), undefined, digits);
  }
});
