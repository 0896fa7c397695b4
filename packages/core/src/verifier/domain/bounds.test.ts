import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundsContradict, rangesContain, repairBounds, syncBounds } from "./bounds.js";
import {
  clearRegister,
  MASK,
  REGISTER_WORDS,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./register.js";
import { admits, describeRecord, hull, smallSets, u64, wideSet, wrapPoints } from "./testing/value-sets.js";
import { tnumContains } from "./tnum.js";

/** Each view's words: what one view alone can be taken from another record. */
const viewWords = [
  [VALUE, VALUE + 1, MASK, MASK + 1],
  [UMIN, UMIN + 1, UMAX, UMAX + 1],
  [SMIN, SMIN + 1, SMAX, SMAX + 1],
  [U32_MIN, U32_MAX],
  [S32_MIN, S32_MAX],
];

/** A record of views that were learned apart: each admits the common value, and as much more as its set says. */
function assembled(sets: readonly (readonly bigint[])[], common: bigint): Int32Array {
  const r = new Int32Array(REGISTER_WORDS);
  clearRegister(r, 0);
  sets.forEach((values, view) => {
    const from = hull([...values, common]);
    for (const word of viewWords[view]!) r[word] = from[word]!;
  });
  return r;
}

function expectKept(before: Int32Array, after: Int32Array, x: bigint): void {
  if (admits(before, x) && !admits(after, x)) {
    expect.fail(`${describeRecord(before)} became ${describeRecord(after)}, which lacks ${x}`);
  }
}

describe("bounds", () => {
  it("keep every value when the views narrow each other: small sets", () => {
    for (const base of wrapPoints) {
      const near = Array.from({ length: 12 }, (_, i) => u64(base - 6n + BigInt(i)));
      // Every pair of views, each an interval around the common value or everything.
      for (let a = 0; a < 5; a++) {
        for (let b = 0; b < 5; b++) {
          for (let chosen = 0; chosen < 81; chosen++) {
            const end = (digit: number) => near[2 + 3 * (Math.floor(chosen / 3 ** digit) % 3) + (digit & 1)]!;
            const r = assembled([], near[6]!);
            for (const [view, from] of [
              [a, hull([end(0), near[6]!, end(1)])],
              [b, hull([end(2), near[6]!, end(3)])],
            ] as const) {
              for (const word of viewWords[view]!) r[word] = from[word]!;
            }
            const before = r.slice();
            syncBounds(r, 0);
            for (const x of near) expectKept(before, r, x);
          }
        }
      }
    }
  });

  it("keep every value when the views narrow each other: wide sets", () => {
    const sets = fc.array(
      wideSet.map(({ values }) => values),
      { minLength: 5, maxLength: 5 },
    );
    fc.assert(
      fc.property(sets, wideSet, (views, { values }) => {
        const before = assembled(views, values[0]!);
        const after = before.slice();
        syncBounds(after, 0);
        for (const x of [...values, ...views.flat()]) expectKept(before, after, x);
        repairBounds(after, 0);
        expect(admits(after, values[0]!)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it("contain others only if all their values are contained", () => {
    const sets = smallSets(3);
    let contained = 0;
    for (const a of sets) {
      for (const b of sets) {
        if (!rangesContain(a.record, 0, b.record, 0) || !tnumContains(a.record, 0, b.record, 0)) continue;
        contained++;
        for (const x of b.values) if (!admits(a.record, x)) expect.fail(`${describeRecord(a.record)} lacks ${x}`);
      }
    }
    expect(contained).toBeGreaterThan(sets.length);
  });

  it("that contradict each other are given up", () => {
    const r = hull([1n, 2n]);
    r[UMIN] = 3;
    expect(boundsContradict(r, 0)).toBe(true);
    repairBounds(r, 0);
    expect(boundsContradict(r, 0)).toBe(false);
    expect([r[UMIN], r[UMAX], r[S32_MIN], r[S32_MAX]]).toEqual([0, -1, -0x80000000, 0x7fffffff]);
  });
});
