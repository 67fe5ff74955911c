import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDecimal } from '../../src/model/decimal.js';
import { formatUsd, nanoFromUsd, usdFromNano } from '../../src/model/money.js';

/** The exact value of a double times 10^9, rounded half up: by its bits, in BigInt. */
function exactNano(usd: number): bigint {
  if (usd === 0) return 0n;
  const bits = new BigUint64Array(new Float64Array([usd]).buffer)[0] ?? 0n;
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const shift = BigInt(1075 - Math.max(exponent, 1));
  const scaled = mantissa * 1_000_000_000n;
  if (shift <= 0n) return scaled << -shift;
  return (scaled + (1n << (shift - 1n))) >> shift;
}

test("a caller's double becomes the nearest nano-dollar, and a positive one never 0", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.double({ min: 0, max: 1_000_000, noNaN: true }),
        fc.double({ min: 0, max: 1e-6, noNaN: true }),
        fc.integer({ min: 0, max: 10_000_000 }).map((n) => n / 10_000),
      ),
      (usd) => {
        const expected = exactNano(usd);
        assert.equal(BigInt(nanoFromUsd(usd)), expected === 0n && usd > 0 ? 1n : expected);
      },
    ),
    { numRuns: 20_000 },
  );
});

test('nano-dollars survive the way through a double in USD, up to $8.3 million', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8_388_608 * 1e9 }), (nano) => {
      assert.equal(nanoFromUsd(usdFromNano(nano)), nano);
    }),
  );
});

test('a decimal of the policy loses no digit, or is refused', () => {
  const cases: [string, number, bigint | undefined][] = [
    ['50.00', 9, 50_000_000_000n],
    ['0.000000001', 9, 1n],
    ['0.0000000001', 9, undefined],
    ['1.10', 0, undefined],
    ['1.00', 0, 1n],
    ['9007199254740993', 0, 9_007_199_254_740_993n],
    ['1e3', 9, undefined],
    ['-1', 9, undefined],
    ['.5', 9, undefined],
    ['', 9, undefined],
  ];
  for (const [text, scale, value] of cases) assert.equal(parseDecimal(text, scale), value, text);
});

test('money is shown with cents at least, and no digit lost', () => {
  const cases: [number, string][] = [
    [0, '$0.00'],
    [4_300_000, '$0.0043'],
    [50_000_000_000, '$50.00'],
    [1, '$0.000000001'],
    [1_234_567_890_000_000, '$1,234,567.89'],
  ];
  for (const [nano, text] of cases) assert.equal(formatUsd(nano), text);
});
