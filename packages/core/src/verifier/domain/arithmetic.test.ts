import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ADD,
  AND,
  ARSH,
  applyByteSwap,
  applyScalarOperation,
  DIV,
  LSH,
  MOD,
  MUL,
  NEG,
  OR,
  RSH,
  SUB,
  signExtend32,
  signExtend64,
  XOR,
} from "./arithmetic.js";
import { boundsContradict, syncBounds, truncate, zeroExtend32 } from "./bounds.js";
import {
  admits,
  describeRecord,
  hull,
  s32,
  s64,
  smallSets,
  u32,
  u64,
  type ValueSet,
  wideSet,
} from "./testing/value-sets.js";

type Operator = (x: bigint, y: bigint) => bigint;

/** What the instructions compute (RFC 9669 section 4.1), on 64 bits and on 32. */
const operators: readonly (readonly [string, number, Operator, Operator])[] = [
  ["add", ADD, (x, y) => x + y, (x, y) => x + y],
  ["sub", SUB, (x, y) => x - y, (x, y) => x - y],
  ["mul", MUL, (x, y) => x * y, (x, y) => x * y],
  ["and", AND, (x, y) => x & y, (x, y) => x & y],
  ["or", OR, (x, y) => x | y, (x, y) => x | y],
  ["xor", XOR, (x, y) => x ^ y, (x, y) => x ^ y],
  ["lsh", LSH, (x, y) => x << (y & 63n), (x, y) => x << (y & 31n)],
  ["rsh", RSH, (x, y) => u64(x) >> (y & 63n), (x, y) => u32(x) >> (y & 31n)],
  ["arsh", ARSH, (x, y) => s64(x) >> (y & 63n), (x, y) => s32(x) >> (y & 31n)],
];

const cases = operators.flatMap(
  ([name, operation, wide, narrow]) =>
    [
      [`${name}64`, operation, false, (x: bigint, y: bigint) => u64(wide(x, y))],
      [`${name}32`, operation, true, (x: bigint, y: bigint) => u32(narrow(x, y))],
    ] as const,
);

function expectSound(result: Int32Array, values: readonly bigint[], what: () => string): void {
  for (const value of values) {
    if (!admits(result, value)) expect.fail(`${what()} lacks ${value}: ${describeRecord(result)}`);
  }
  if (boundsContradict(result, 0)) expect.fail(`${what()} contradicts itself: ${describeRecord(result)}`);
}

function check(operation: number, is32: boolean, concrete: Operator, a: ValueSet, b: ValueSet): boolean {
  const result = a.record.slice();
  if (!applyScalarOperation(operation, is32, result, 0, b.record, 0)) return false;
  const values: bigint[] = [];
  for (const x of a.values) for (const y of b.values) values.push(concrete(x, y));
  expectSound(result, values, () => `${describeRecord(a.record)} (${a.values}) and (${b.values})`);
  return true;
}

const small = smallSets(3);
const smallest = smallSets(2);

describe("arithmetic on sets of values", () => {
  it.each(cases.slice(0, 12))(
    "%s of every small set with every other holds every result",
    (_name, op, is32, concrete) => {
      for (const a of small) for (const b of smallest) expect(check(op, is32, concrete, a, b)).toBe(true);
    },
  );

  it.each(cases.slice(12))("%s of every small set by every amount holds every result", (_name, op, is32, concrete) => {
    for (let amount = 0n; amount < 64n; amount++) {
      const by = { values: [amount], record: hull([amount]) };
      for (const a of smallSets(4)) expect(check(op, is32, concrete, a, by)).toBe(!is32 || amount < 32n);
    }
  });

  it.each(cases)("%s of wide sets holds every result", (_name, operation, is32, concrete) => {
    fc.assert(
      fc.property(wideSet, wideSet, fc.nat(63), (a, b, amount) => {
        check(operation, is32, concrete, a, b);
        check(operation, is32, concrete, a, { values: [BigInt(amount)], record: hull([BigInt(amount)]) });
      }),
      { numRuns: 1000 },
    );
  });

  it("of one known value with another is the value, where it is kept at all", () => {
    fc.assert(
      fc.property(wideSet, wideSet, fc.constantFrom(...cases), (a, b, [, operation, is32, concrete]) => {
        const [x, y] = [a.values[0]!, b.values[0]!];
        const result = hull([x]);
        if (applyScalarOperation(operation, is32, result, 0, hull([y]), 0)) {
          expect(result).toEqual(hull([concrete(x, y)]));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("knows nothing of quotients, remainders and shifts by an unknown amount", () => {
    const [a, b] = [hull([4n, 6n]), hull([1n, 2n])];
    for (const operation of [DIV, MOD, LSH, RSH, ARSH]) {
      for (const is32 of [true, false]) expect(applyScalarOperation(operation, is32, a.slice(), 0, b, 0)).toBe(false);
    }
  });
});

/** An operator of one operand, applied to the record in place. */
type Unary = readonly [name: string, apply: (r: Int32Array) => void, concrete: (x: bigint) => bigint];

const reversed = (x: bigint, bytes: number) => {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((x >> BigInt(8 * i)) & 0xffn);
  return result;
};

const extended32 = (bits: number) => (r: Int32Array) => {
  signExtend32(r, 0, bits);
  zeroExtend32(r, 0);
  syncBounds(r, 0);
};

const unary: readonly Unary[] = [
  ["negation", (r) => applyScalarOperation(NEG, false, r, 0, r, 0), (x) => u64(-x)],
  ["negation of 32 bits", (r) => applyScalarOperation(NEG, true, r, 0, r, 0), (x) => u32(-x)],
  ...[8, 16, 32].map(
    (n): Unary => [`sign extension of ${n} bits`, (r) => signExtend64(r, 0, n), (x) => u64(BigInt.asIntN(n, x))],
  ),
  ...[8, 16].map((n): Unary => [`sign extension of ${n} bits to 32`, extended32(n), (x) => u32(BigInt.asIntN(n, x))]),
  ...[1, 2, 4].map((n): Unary => [`the lower ${n} bytes`, (r) => truncate(r, 0, n), (x) => BigInt.asUintN(8 * n, x)]),
  ...[16, 32, 64].map(
    (n): Unary => [`swapped bytes of ${n} bits`, (r) => applyByteSwap(r, 0, n, true), (x) => reversed(x, n / 8)],
  ),
  ...[16, 32, 64].map(
    (n): Unary => [`kept bytes of ${n} bits`, (r) => applyByteSwap(r, 0, n, false), (x) => BigInt.asUintN(n, x)],
  ),
];

describe("operators of one operand", () => {
  it.each(unary)("%s of every small set holds every result", (_name, apply, concrete) => {
    for (const { values, record } of smallSets(6)) {
      const result = record.slice();
      apply(result);
      expectSound(result, values.map(concrete), () => `${describeRecord(record)} (${values})`);
    }
  });

  it.each(unary)("%s of wide sets holds every result", (_name, apply, concrete) => {
    fc.assert(
      fc.property(wideSet, ({ values, record }) => {
        const result = record.slice();
        apply(result);
        expectSound(result, values.map(concrete), () => `${describeRecord(record)} (${values})`);
      }),
      { numRuns: 3000 },
    );
  });
});
