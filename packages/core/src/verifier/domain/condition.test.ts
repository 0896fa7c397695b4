import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideScalars,
  JEQ,
  JGE,
  JGT,
  JLE,
  JLT,
  JNE,
  JSET,
  JSGE,
  JSGT,
  JSLE,
  JSLT,
  mirrored,
  refineScalars,
} from "./condition.js";
import { admits, describeRecord, s32, s64, smallSets, u32, u64, type ValueSet, wideSet } from "./testing/value-sets.js";

/** What the jumps compare (RFC 9669 section 4.3). */
const conditions: readonly (readonly [string, number, boolean, (x: bigint, y: bigint) => boolean])[] = [
  ["==", JEQ, false, (x, y) => x === y],
  ["!=", JNE, false, (x, y) => x !== y],
  ["&", JSET, false, (x, y) => (x & y) !== 0n],
  [">", JGT, false, (x, y) => x > y],
  [">=", JGE, false, (x, y) => x >= y],
  ["<", JLT, false, (x, y) => x < y],
  ["<=", JLE, false, (x, y) => x <= y],
  ["s>", JSGT, true, (x, y) => x > y],
  ["s>=", JSGE, true, (x, y) => x >= y],
  ["s<", JSLT, true, (x, y) => x < y],
  ["s<=", JSLE, true, (x, y) => x <= y],
];

const cases = conditions.flatMap(([name, jump, signed, holds]) =>
  [false, true].map((is32) => {
    const read = is32 ? (signed ? s32 : u32) : signed ? s64 : u64;
    const test = (x: bigint, y: bigint) => holds(read(x), read(y));
    return [`${name}${is32 ? " of 32 bits" : ""}`, jump, is32, test] as const;
  }),
);

type Test = (x: bigint, y: bigint) => boolean;

/** The decision must hold for every pair, and each branch must keep the pairs that take it. */
function check(jump: number, is32: boolean, test: Test, a: ValueSet, b: ValueSet): void {
  const what = () => `${describeRecord(a.record)} (${a.values}) and ${describeRecord(b.record)} (${b.values})`;
  const outcome = decideScalars(jump, is32, a.record, 0, b.record, 0);
  const branches = [true, false].map((taken) => {
    const [r, s] = [a.record.slice(), b.record.slice()];
    refineScalars(jump, is32, taken, r, 0, s, 0);
    return { r, s };
  });
  for (const x of a.values) {
    for (const y of b.values) {
      const taken = test(x, y);
      if (outcome !== "unknown" && (outcome === "taken") !== taken) {
        expect.fail(`${what()}: decided ${outcome}, but not for ${x} and ${y}`);
      }
      const { r, s } = branches[taken ? 0 : 1]!;
      if (!admits(r, x)) expect.fail(`${what()}, ${taken}: left side lacks ${x}: ${describeRecord(r)}`);
      if (!admits(s, y)) expect.fail(`${what()}, ${taken}: right side lacks ${y}: ${describeRecord(s)}`);
    }
  }
}

const small = smallSets(3);
const smallest = smallSets(2);

describe("branches on conditions", () => {
  it.each(cases)("x %s y: decided and narrowed soundly for every two small sets", (_name, jump, is32, test) => {
    for (const a of small) for (const b of smallest) check(jump, is32, test, a, b);
  });

  it.each(cases)("x %s y: decided and narrowed soundly for wide sets", (_name, jump, is32, test) => {
    fc.assert(
      fc.property(wideSet, wideSet, (a, b) => {
        check(jump, is32, test, a, b);
        check(jump, is32, test, b, a);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(cases)("x %s x, of one register: narrowed soundly", (_name, jump, is32, test) => {
    for (const { values, record } of small) {
      for (const taken of [true, false]) {
        const r = record.slice();
        refineScalars(jump, is32, taken, r, 0, r, 0);
        for (const x of values) if (test(x, x) === taken) expect(admits(r, x), describeRecord(record)).toBe(true);
      }
    }
  });

  it("mean the same with their operands exchanged", () => {
    for (const [, jump, is32, test] of cases) {
      const other = cases.find(([, candidate, width]) => candidate === mirrored(jump) && width === is32)!;
      for (const { values } of smallest) {
        for (const x of values) for (const y of values) expect(other[3](y, x)).toBe(test(x, y));
      }
    }
  });
});
