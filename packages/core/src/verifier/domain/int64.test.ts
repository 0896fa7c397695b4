import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addHigh,
  bitLength,
  ltSigned,
  ltUnsigned,
  mulHigh,
  mulHigh32,
  mulOverflowsSigned,
  mulOverflowsUnsigned,
  sarHigh,
  sarLow,
  shlHigh,
  shlLow,
  shrHigh,
  shrLow,
  subHigh,
} from "./int64.js";
import { highWord, lowWord, s64, u64, wideValue } from "./testing/value-sets.js";

const runs = { numRuns: 5000 };

describe("64-bit arithmetic on pairs of words", () => {
  it("agrees with bigint on two operands", () => {
    fc.assert(
      fc.property(wideValue, wideValue, (x, y) => {
        const [a, ah, b, bh] = [lowWord(x), highWord(x), lowWord(y), highWord(y)];
        expect(ltUnsigned(a, ah, b, bh)).toBe(x < y);
        expect(ltSigned(a, ah, b, bh)).toBe(s64(x) < s64(y));
        expect(addHigh(a, ah, b, bh)).toBe(highWord(x + y));
        expect(subHigh(a, ah, b, bh)).toBe(highWord(x - y));
        expect(mulHigh(a, ah, b, bh)).toBe(highWord(x * y));
        expect(mulHigh32(a, b)).toBe(highWord(BigInt(a >>> 0) * BigInt(b >>> 0)));
        expect(mulOverflowsUnsigned(a, ah, b, bh)).toBe(x * y !== u64(x * y));
        const product = s64(x) * s64(y);
        expect(mulOverflowsSigned(a, ah, b, bh)).toBe(product !== s64(product));
      }),
      runs,
    );
  });

  it("agrees with bigint on shifts and lengths", () => {
    fc.assert(
      fc.property(wideValue, fc.integer({ min: 0, max: 63 }), (x, n) => {
        const [lo, hi] = [lowWord(x), highWord(x)];
        const by = BigInt(n);
        expect([shlLow(lo, n), shlHigh(lo, hi, n)]).toEqual([lowWord(x << by), highWord(x << by)]);
        expect([shrLow(lo, hi, n), shrHigh(hi, n)]).toEqual([lowWord(x >> by), highWord(x >> by)]);
        const shifted = s64(x) >> by;
        expect([sarLow(lo, hi, n), sarHigh(hi, n)]).toEqual([lowWord(shifted), highWord(shifted)]);
        expect(bitLength(lo, hi)).toBe(x === 0n ? 0 : x.toString(2).length);
      }),
      runs,
    );
  });
});
