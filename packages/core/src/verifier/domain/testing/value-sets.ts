import fc from "fast-check";
import { syncBounds } from "../bounds.js";
import {
  clearRegister,
  MASK,
  REGISTER_WORDS,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  setUnbounded32,
  setUnbounded64,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "../register.js";

/**
 * Concrete sets of 64-bit values and the records that stand for them, in bigint arithmetic that shares nothing with the
 * domain's own: what the domain's tests hold its operators against.
 */

export const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
export const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
export const u32 = (x: bigint): bigint => BigInt.asUintN(32, x);
export const s32 = (x: bigint): bigint => BigInt.asIntN(32, x);

export const lowWord = (x: bigint): number => Number(BigInt.asIntN(32, x));
export const highWord = (x: bigint): number => Number(BigInt.asIntN(32, x >> 32n));

/** The points at which one of the orders of 64-bit or 32-bit values wraps around. */
export const wrapPoints = [0n, 1n << 31n, 1n << 32n, 3n << 31n, 1n << 63n, -1n << 31n];

/** A set of values and a record that admits all of them. */
export interface ValueSet {
  readonly values: readonly bigint[];
  readonly record: Int32Array;
}

function set64(r: Int32Array, word: number, x: bigint): void {
  r[word] = lowWord(x);
  r[word + 1] = highWord(x);
}

const least = (values: readonly bigint[]) => values.reduce((a, b) => (b < a ? b : a));
const greatest = (values: readonly bigint[]) => values.reduce((a, b) => (b > a ? b : a));

/** The smallest record that admits all of the values. */
export function hull(values: readonly bigint[]): Int32Array {
  const r = new Int32Array(REGISTER_WORDS);
  clearRegister(r, 0);
  const unsigned = values.map(u64);
  const differing = unsigned.reduce((bits, x) => bits | (x ^ unsigned[0]!), 0n);
  set64(r, MASK, differing);
  set64(r, VALUE, unsigned[0]! & ~differing);
  set64(r, UMIN, least(unsigned));
  set64(r, UMAX, greatest(unsigned));
  set64(r, SMIN, least(values.map(s64)));
  set64(r, SMAX, greatest(values.map(s64)));
  r[U32_MIN] = lowWord(least(values.map(u32)));
  r[U32_MAX] = lowWord(greatest(values.map(u32)));
  r[S32_MIN] = lowWord(least(values.map(s32)));
  r[S32_MAX] = lowWord(greatest(values.map(s32)));
  return r;
}

/** Views of a value that a record can lack: the tristate number, the 64-bit ranges, the 32-bit ranges. */
export const views = ["tnum", "ranges", "ranges32"] as const;
export type View = (typeof views)[number];

/** The record with some views given up, as after an operator that could not keep them, and the others spread to them. */
export function without(record: Int32Array, ...dropped: readonly View[]): Int32Array {
  const r = record.slice();
  if (dropped.includes("tnum")) {
    r.fill(0, VALUE, VALUE + 2);
    r.fill(-1, MASK, MASK + 2);
  }
  if (dropped.includes("ranges")) setUnbounded64(r, 0);
  if (dropped.includes("ranges32")) setUnbounded32(r, 0);
  syncBounds(r, 0);
  return r;
}

/** `a <= b` of two values given as words; the order of the upper words is the caller's. */
function isUpTo(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh < bHigh || (aHigh === bHigh && aLow >>> 0 <= bLow >>> 0);
}

/** Is the value one that the record stands for? */
export function admits(r: Int32Array, x: bigint): boolean {
  const lo = lowWord(x);
  const hi = highWord(x);
  if ((lo & ~r[MASK]!) !== r[VALUE] || (hi & ~r[MASK + 1]!) !== r[VALUE + 1]) return false;
  if (lo < r[S32_MIN]! || lo > r[S32_MAX]!) return false;
  if (lo >>> 0 < r[U32_MIN]! >>> 0 || lo >>> 0 > r[U32_MAX]! >>> 0) return false;
  return (
    isUpTo(r[SMIN + 1]!, r[SMIN]!, hi, lo) &&
    isUpTo(hi, lo, r[SMAX + 1]!, r[SMAX]!) &&
    isUpTo(r[UMIN + 1]! >>> 0, r[UMIN]!, hi >>> 0, lo) &&
    isUpTo(hi >>> 0, lo, r[UMAX + 1]! >>> 0, r[UMAX]!)
  );
}

/** A record in words, for messages. */
export function describeRecord(r: Int32Array): string {
  const wide = (word: number) => u64((BigInt(r[word + 1]!) << 32n) | BigInt(r[word]! >>> 0));
  const hex = (x: bigint) => `0x${x.toString(16)}`;
  return (
    `tnum ${hex(wide(VALUE))}/${hex(wide(MASK))} u64 ${hex(wide(UMIN))}..${hex(wide(UMAX))} ` +
    `s64 ${s64(wide(SMIN))}..${s64(wide(SMAX))} u32 ${r[U32_MIN]! >>> 0}..${r[U32_MAX]! >>> 0} ` +
    `s32 ${r[S32_MIN]}..${r[S32_MAX]}`
  );
}

/** All non-empty subsets of the values from `base - below` on, `width` of them. */
export function subsetsAround(base: bigint, below: bigint, width: number): bigint[][] {
  const subsets: bigint[][] = [];
  for (let chosen = 1; chosen < 1 << width; chosen++) {
    const values: bigint[] = [];
    for (let i = 0; i < width; i++) if (((chosen >> i) & 1) === 1) values.push(u64(base - below + BigInt(i)));
    subsets.push(values);
  }
  return subsets;
}

/** Small sets at every point where an order wraps, each with all its views and with some given up. */
export function smallSets(width: number): ValueSet[] {
  const sets = wrapPoints.flatMap((base) => subsetsAround(base, BigInt(width >> 1), width));
  return sets.flatMap((values) => {
    const record = hull(values);
    return [
      { values, record },
      { values, record: without(record, "tnum") },
      { values, record: without(record, "ranges", "ranges32") },
      { values, record: without(record, "tnum", "ranges32") },
    ];
  });
}

/** Values of all magnitudes, those near powers of two and their negations most often. */
export const wideValue: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(0n, (1n << 64n) - 1n),
  fc.bigInt(0n, (1n << 32n) - 1n),
  fc.bigInt(-300n, 300n).map(u64),
  fc
    .tuple(fc.integer({ min: 0, max: 64 }), fc.bigInt(-3n, 3n), fc.boolean())
    .map(([bit, near, negative]) => u64((negative ? -1n : 1n) * (1n << BigInt(bit)) + near)),
);

/** Records of wide sets, of every precision. */
export const wideSet: fc.Arbitrary<ValueSet> = fc
  .tuple(fc.array(wideValue, { minLength: 1, maxLength: 4 }), fc.subarray([...views]))
  .map(([values, dropped]) => ({ values, record: without(hull(values), ...dropped) }));
