import { describe, expect, it } from "vitest";
import { clearRegister, MASK, REGISTER_WORDS, VALUE } from "./register.js";
import { admits, highWord, lowWord, s64, u64 } from "./testing/value-sets.js";
import {
  setTnum,
  tnumAdd,
  tnumAnd,
  tnumContains,
  tnumIntersect,
  tnumIntersectRange,
  tnumIntersectRange32,
  tnumMul,
  tnumOr,
  tnumShiftLeft,
  tnumShiftRight,
  tnumShiftRightSigned,
  tnumSub,
  tnumsOverlap,
  tnumXor,
} from "./tnum.js";

const WIDTH = 4;

interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
  readonly members: readonly bigint[];
}

/** All tristate numbers of {@link WIDTH} bits, at a bit position; the bits below are `below`, those above zero. */
function tnumsAt(position: number, below: bigint): Tnum[] {
  const all: Tnum[] = [];
  for (let mask = 0; mask < 1 << WIDTH; mask++) {
    for (let value = 0; value < 1 << WIDTH; value++) {
      if ((value & mask) !== 0) continue;
      const members: bigint[] = [];
      for (let bits = 0; bits < 1 << WIDTH; bits++) {
        if ((bits & ~mask) === value) members.push(u64((BigInt(bits) << BigInt(position)) | below));
      }
      const at = BigInt(position);
      all.push({ value: u64((BigInt(value) << at) | below), mask: u64(BigInt(mask) << at), members });
    }
  }
  return all;
}

/** The lowest bits, those around bit 32 (with and without a carry into them), and the highest. */
const families = [tnumsAt(0, 0n), tnumsAt(30, 0n), tnumsAt(30, (1n << 30n) - 1n), tnumsAt(60, 0n), tnumsAt(60, 3n)];

function record(tnum: Tnum): Int32Array {
  const r = new Int32Array(REGISTER_WORDS);
  clearRegister(r, 0);
  setTnum(r, 0, lowWord(tnum.value), highWord(tnum.value), lowWord(tnum.mask), highWord(tnum.mask));
  return r;
}

function expectAll(r: Int32Array, values: Iterable<bigint>, what: () => string): void {
  expect((r[VALUE]! & r[MASK]!) | (r[VALUE + 1]! & r[MASK + 1]!), `${what()}: malformed`).toBe(0);
  for (const value of values) if (!admits(r, value)) expect.fail(`${what()} lacks ${value}`);
}

const binary = [
  ["add", tnumAdd, (x: bigint, y: bigint) => x + y],
  ["sub", tnumSub, (x: bigint, y: bigint) => x - y],
  ["mul", tnumMul, (x: bigint, y: bigint) => x * y],
  ["and", tnumAnd, (x: bigint, y: bigint) => x & y],
  ["or", tnumOr, (x: bigint, y: bigint) => x | y],
  ["xor", tnumXor, (x: bigint, y: bigint) => x ^ y],
] as const;

describe("tristate numbers", () => {
  it.each(binary)("of few bits, wherever they are: %s holds every result", (name, apply, concrete) => {
    for (const family of families) {
      for (const a of family) {
        for (const b of family) {
          const r = record(a);
          apply(r, 0, record(b), 0);
          const what = () => `${name} of ${a.value}/${a.mask} and ${b.value}/${b.mask}`;
          for (const x of a.members) {
            for (const y of b.members) {
              if (!admits(r, u64(concrete(x, y)))) expect.fail(`${what()} lacks that of ${x} and ${y}`);
            }
          }
          expectAll(r, [], what);
        }
      }
    }
  });

  it.each([
    ["left", tnumShiftLeft, (x: bigint, n: bigint) => u64(x << n)],
    ["right", tnumShiftRight, (x: bigint, n: bigint) => x >> n],
    ["right, signed", tnumShiftRightSigned, (x: bigint, n: bigint) => u64(s64(x) >> n)],
  ] as const)("shift %s by every amount", (name, apply, concrete) => {
    for (const family of families) {
      for (const a of family) {
        for (let n = 0; n < 64; n++) {
          const r = record(a);
          apply(r, 0, n);
          const results = a.members.map((x) => concrete(x, BigInt(n)));
          expectAll(r, results, () => `${a.value}/${a.mask} shifted ${name} by ${n}`);
        }
      }
    }
  });

  it("overlap, contain and intersect as their members do", () => {
    for (const family of families) {
      for (const a of family) {
        for (const b of family) {
          const common = a.members.filter((x) => b.members.includes(x));
          const [r, s] = [record(a), record(b)];
          expect(tnumsOverlap(r, 0, s, 0, false)).toBe(common.length > 0);
          expect(tnumContains(r, 0, s, 0)).toBe(common.length === b.members.length);
          if (common.length === 0) continue;
          expect(tnumsOverlap(r, 0, s, 0, true)).toBe(true);
          tnumIntersect(r, 0, s[VALUE]!, s[VALUE + 1]!, s[MASK]!, s[MASK + 1]!);
          for (const x of a.members) expect(admits(r, x)).toBe(common.includes(x));
        }
      }
    }
  });

  it("keep what is in a range", () => {
    for (const family of families) {
      const numbers = family.find((tnum) => tnum.members.length === 1 << WIDTH)!.members;
      for (const a of family) {
        for (const min of numbers) {
          for (const max of numbers) {
            const within = a.members.filter((x) => min <= x && x <= max);
            if (within.length === 0) continue;
            const r = record(a);
            tnumIntersectRange(r, 0, lowWord(min), highWord(min), lowWord(max), highWord(max));
            expectAll(r, within, () => `${a.value}/${a.mask} within ${min} and ${max}`);
            if (lowWord(min) >>> 0 > lowWord(max) >>> 0) continue;
            const low = record(a);
            tnumIntersectRange32(low, 0, lowWord(min), lowWord(max));
            const lowWithin = a.members.filter(
              (x) => lowWord(min) >>> 0 <= lowWord(x) >>> 0 && lowWord(x) >>> 0 <= lowWord(max) >>> 0,
            );
            if (lowWithin.length > 0) expectAll(low, lowWithin, () => `${a.value}/${a.mask} low ${min} to ${max}`);
          }
        }
      }
    }
  });
});
