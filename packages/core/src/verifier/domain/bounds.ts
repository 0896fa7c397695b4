import { addHigh, bitLength, ltSigned, ltUnsigned, shlHigh, shlLow } from "./int64.js";
import {
  MASK,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  setUnbounded,
  setUnbounded32,
  setValue,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./register.js";
import { tnumIntersectRange, tnumIntersectRange32, tnumKeep32 } from "./tnum.js";

/**
 * The reduced product of five views of one value: a tristate number and the ranges as u64, s64, u32 and s32 (the latter
 * two of the lower half). Every operator works on each view by itself; {@link syncBounds} then lets each view narrow the
 * others. The order and number of its steps decide how precise the result is, so they follow what the kernel's log
 * shows of its own.
 */

// Raising and lowering single bounds. `max` and `min` keep the tighter one.

function raiseUmin(r: Int32Array, at: number, lo: number, hi: number): void {
  if (ltUnsigned(r[at + UMIN]!, r[at + UMIN + 1]!, lo, hi)) {
    r[at + UMIN] = lo;
    r[at + UMIN + 1] = hi;
  }
}

function lowerUmax(r: Int32Array, at: number, lo: number, hi: number): void {
  if (ltUnsigned(lo, hi, r[at + UMAX]!, r[at + UMAX + 1]!)) {
    r[at + UMAX] = lo;
    r[at + UMAX + 1] = hi;
  }
}

function raiseSmin(r: Int32Array, at: number, lo: number, hi: number): void {
  if (ltSigned(r[at + SMIN]!, r[at + SMIN + 1]!, lo, hi)) {
    r[at + SMIN] = lo;
    r[at + SMIN + 1] = hi;
  }
}

function lowerSmax(r: Int32Array, at: number, lo: number, hi: number): void {
  if (ltSigned(lo, hi, r[at + SMAX]!, r[at + SMAX + 1]!)) {
    r[at + SMAX] = lo;
    r[at + SMAX + 1] = hi;
  }
}

function narrowU32(r: Int32Array, at: number, min: number, max: number): void {
  if (min >>> 0 > r[at + U32_MIN]! >>> 0) r[at + U32_MIN] = min;
  if (max >>> 0 < r[at + U32_MAX]! >>> 0) r[at + U32_MAX] = max;
}

function narrowS32(r: Int32Array, at: number, min: number, max: number): void {
  if (min > r[at + S32_MIN]!) r[at + S32_MIN] = min;
  if (max < r[at + S32_MAX]!) r[at + S32_MAX] = max;
}

/** Lets the tristate number narrow the 32-bit ranges. */
export function narrow32ByTnum(r: Int32Array, at: number): void {
  const value = r[at + VALUE]!;
  const mask = r[at + MASK]!;
  narrowS32(r, at, value | (mask & -0x80000000), value | (mask & 0x7fffffff));
  narrowU32(r, at, value, value | mask);
}

const step = new Int32Array(2);

/** Lets the tristate number narrow the 64-bit ranges; where both have one value in common, it is the value. */
function narrow64ByTnum(r: Int32Array, at: number): void {
  const vlo = r[at + VALUE]!;
  const vhi = r[at + VALUE + 1]!;
  const mlo = r[at + MASK]!;
  const mhi = r[at + MASK + 1]!;
  raiseSmin(r, at, vlo, vhi | (mhi & -0x80000000));
  lowerSmax(r, at, vlo | mlo, vhi | (mhi & 0x7fffffff));
  raiseUmin(r, at, vlo, vhi);
  lowerUmax(r, at, vlo | mlo, vhi | mhi);
  pinSingleOverlap(r, at);
}

function pinSingleOverlap(r: Int32Array, at: number): void {
  const vlo = r[at + VALUE]!;
  const vhi = r[at + VALUE + 1]!;
  const mlo = r[at + MASK]!;
  const mhi = r[at + MASK + 1]!;
  if ((mlo & mhi) === -1) return; // nothing is known: every value of the range is in the tnum
  const minLo = r[at + UMIN]!;
  const minHi = r[at + UMIN + 1]!;
  const maxLo = r[at + UMAX]!;
  const maxHi = r[at + UMAX + 1]!;
  const minIsMember = (minLo & ~mlo) === vlo && (minHi & ~mhi) === vhi;
  nextMember(r, at, minLo, minHi);
  const nextLo = step[0]!;
  const nextHi = step[1]!;
  if (minIsMember) {
    if (ltUnsigned(maxLo, maxHi, nextLo, nextHi)) setValue(r, at, minLo, minHi);
    return;
  }
  if (nextLo === (vlo | mlo) && nextHi === (vhi | mhi)) {
    setValue(r, at, nextLo, nextHi);
    return;
  }
  if (ltUnsigned(maxLo, maxHi, nextLo, nextHi)) return;
  nextMember(r, at, nextLo, nextHi);
  if (ltUnsigned(maxLo, maxHi, step[0]!, step[1]!)) setValue(r, at, nextLo, nextHi);
}

/**
 * The smallest member of the tnum that is greater than `z`, into {@link step}; its largest member where none is.
 *
 * Take the highest bit that is known and differs from `z`. If the known bit is 1, the answer keeps `z` above it and
 * takes the smallest bits below. If it is 0, `z` has passed that point: the unknown bits above it have to count up.
 */
function nextMember(r: Int32Array, at: number, zlo: number, zhi: number): void {
  const vlo = r[at + VALUE]!;
  const vhi = r[at + VALUE + 1]!;
  const mlo = r[at + MASK]!;
  const mhi = r[at + MASK + 1]!;
  step[0] = vlo | mlo;
  step[1] = vhi | mhi;
  if (!ltUnsigned(zlo, zhi, step[0]!, step[1]!)) return;
  if (ltUnsigned(zlo, zhi, vlo, vhi)) {
    step[0] = vlo;
    step[1] = vhi;
    return;
  }
  const top = bitLength((zlo ^ vlo) & ~mlo, (zhi ^ vhi) & ~mhi);
  const aboveLo = top >= 64 ? 0 : shlLow(-1, top);
  const aboveHi = top >= 64 ? 0 : shlHigh(-1, -1, top);
  const known1 = top > 0 && ((top > 32 ? vhi >>> (top - 33) : vlo >>> (top - 1)) & 1) === 1;
  if (known1) {
    step[0] = (zlo & aboveLo) | (vlo & ~aboveLo);
    step[1] = (zhi & aboveHi) | (vhi & ~aboveHi);
    return;
  }
  // Known bits set to 1 let a carry run through them to the next unknown bit.
  const lo = (zlo & mlo & aboveLo) | (~mlo & aboveLo);
  const hi = (zhi & mhi & aboveHi) | (~mhi & aboveHi);
  const oneLo = shlLow(1, top);
  const oneHi = shlHigh(1, 0, top);
  step[0] = (((lo + oneLo) | 0) & mlo) | vlo;
  step[1] = (addHigh(lo, hi, oneLo, oneHi) & mhi) | vhi;
}

export function narrowByTnum(r: Int32Array, at: number): void {
  narrow32ByTnum(r, at);
  narrow64ByTnum(r, at);
}

/** Lets the 64-bit ranges narrow those of the lower half, and these each other. */
function deduce32(r: Int32Array, at: number): void {
  const uminLo = r[at + UMIN]!;
  const umaxLo = r[at + UMAX]!;
  const uminHi = r[at + UMIN + 1]!;
  const umaxHi = r[at + UMAX + 1]!;
  const sminLo = r[at + SMIN]!;
  const smaxLo = r[at + SMAX]!;
  const sminHi = r[at + SMIN + 1]!;
  const smaxHi = r[at + SMAX + 1]!;
  // Where the upper half is one value, the lower one keeps its order.
  if (uminHi === umaxHi) {
    narrowU32(r, at, uminLo, umaxLo);
    if (uminLo <= umaxLo) narrowS32(r, at, uminLo, umaxLo);
  }
  if (sminHi === smaxHi) {
    if (sminLo >>> 0 <= smaxLo >>> 0) narrowU32(r, at, sminLo, smaxLo);
    if (sminLo <= smaxLo) narrowS32(r, at, sminLo, smaxLo);
  }
  // Two neighbouring upper halves: [..ffffff80, ..0000007f] is a range of s32.
  if (((uminHi + 1) | 0) === umaxHi && uminLo < 0 && umaxLo >= 0) narrowS32(r, at, uminLo, umaxLo);
  if (((sminHi + 1) | 0) === smaxHi && sminLo < 0 && smaxLo >= 0) narrowS32(r, at, sminLo, smaxLo);
  if (r[at + U32_MIN]! <= r[at + U32_MAX]!) narrowS32(r, at, r[at + U32_MIN]!, r[at + U32_MAX]!);
  deduceU32BySign(r, at);
}

function deduceU32BySign(r: Int32Array, at: number): void {
  const smin = r[at + S32_MIN]!;
  const smax = r[at + S32_MAX]!;
  if (smin >>> 0 <= smax >>> 0) {
    narrowU32(r, at, smin, smax);
  } else if (r[at + U32_MAX]! >>> 0 < smin >>> 0) {
    // The signed range wraps around, and the unsigned one meets only its non-negative part.
    r[at + S32_MIN] = r[at + U32_MIN]!;
    if (smax >>> 0 < r[at + U32_MAX]! >>> 0) r[at + U32_MAX] = smax;
  } else if (smax >>> 0 < r[at + U32_MIN]! >>> 0) {
    r[at + S32_MAX] = r[at + U32_MAX]!;
    if (smin >>> 0 > r[at + U32_MIN]! >>> 0) r[at + U32_MIN] = smin;
  }
}

/** Lets the signed and the unsigned 64-bit range narrow each other. */
function deduce64(r: Int32Array, at: number): void {
  const uminLo = r[at + UMIN]!;
  const uminHi = r[at + UMIN + 1]!;
  const umaxLo = r[at + UMAX]!;
  const umaxHi = r[at + UMAX + 1]!;
  if (!ltSigned(umaxLo, umaxHi, uminLo, uminHi)) {
    raiseSmin(r, at, uminLo, uminHi);
    lowerSmax(r, at, umaxLo, umaxHi);
  }
  const sminLo = r[at + SMIN]!;
  const sminHi = r[at + SMIN + 1]!;
  const smaxLo = r[at + SMAX]!;
  const smaxHi = r[at + SMAX + 1]!;
  if (!ltUnsigned(smaxLo, smaxHi, sminLo, sminHi)) {
    raiseUmin(r, at, sminLo, sminHi);
    lowerUmax(r, at, smaxLo, smaxHi);
  } else if (ltUnsigned(umaxLo, umaxHi, sminLo, sminHi)) {
    // The signed range wraps around, and the unsigned one meets only its non-negative part.
    r[at + SMIN] = uminLo;
    r[at + SMIN + 1] = uminHi;
    lowerUmax(r, at, smaxLo, smaxHi);
  } else if (ltUnsigned(smaxLo, smaxHi, uminLo, uminHi)) {
    r[at + SMAX] = umaxLo;
    r[at + SMAX + 1] = umaxHi;
    raiseUmin(r, at, sminLo, sminHi);
  }
}

/** Lets the ranges of the lower half narrow the 64-bit ones. */
function deduceMixed(r: Int32Array, at: number): void {
  const min32 = r[at + U32_MIN]!;
  const max32 = r[at + U32_MAX]!;
  raiseUmin(r, at, min32, r[at + UMIN + 1]!);
  lowerUmax(r, at, max32, r[at + UMAX + 1]!);
  raiseSmin(r, at, min32, r[at + SMIN + 1]!);
  lowerSmax(r, at, max32, r[at + SMAX + 1]!);
  // A sign-extended s32 that isn't negative is the whole value.
  const smin = r[at + S32_MIN]!;
  if (
    smin >= 0 &&
    !ltSigned(r[at + SMIN]!, r[at + SMIN + 1]!, -0x80000000, -1) &&
    !ltSigned(0x7fffffff, 0, r[at + SMAX]!, r[at + SMAX + 1]!)
  ) {
    const smax = r[at + S32_MAX]!;
    r[at + SMIN] = smin;
    r[at + SMIN + 1] = 0;
    r[at + SMAX] = smax;
    r[at + SMAX + 1] = smax >> 31;
    r[at + UMIN] = smin;
    r[at + UMIN + 1] = 0;
    r[at + UMAX] = smax;
    r[at + UMAX + 1] = smax >> 31;
    tnumIntersectRange(r, at, smin, 0, smax, smax >> 31);
  }
}

function deduce(r: Int32Array, at: number): void {
  deduce32(r, at);
  deduce64(r, at);
  deduceMixed(r, at);
}

/** Lets the unsigned ranges fix bits of the tristate number. */
function narrowTnumByRanges(r: Int32Array, at: number): void {
  tnumIntersectRange(r, at, r[at + UMIN]!, r[at + UMIN + 1]!, r[at + UMAX]!, r[at + UMAX + 1]!);
  tnumIntersectRange32(r, at, r[at + U32_MIN]!, r[at + U32_MAX]!);
}

/** Brings the five views of a value into agreement. */
export function syncBounds(r: Int32Array, at: number): void {
  narrowByTnum(r, at);
  deduce(r, at);
  deduce(r, at);
  deduce(r, at);
  narrowTnumByRanges(r, at);
  narrowByTnum(r, at);
}

/**
 * Do the views contradict each other? Branches that cannot be taken lead to such values; what is known is given up then
 * rather than trusted.
 */
export function boundsContradict(r: Int32Array, at: number): boolean {
  if (
    ltUnsigned(r[at + UMAX]!, r[at + UMAX + 1]!, r[at + UMIN]!, r[at + UMIN + 1]!) ||
    ltSigned(r[at + SMAX]!, r[at + SMAX + 1]!, r[at + SMIN]!, r[at + SMIN + 1]!) ||
    r[at + U32_MAX]! >>> 0 < r[at + U32_MIN]! >>> 0 ||
    r[at + S32_MAX]! < r[at + S32_MIN]!
  ) {
    return true;
  }
  const lo = r[at + VALUE]!;
  if (r[at + MASK] !== 0) return false;
  if (r[at + U32_MIN] !== lo || r[at + U32_MAX] !== lo || r[at + S32_MIN] !== lo || r[at + S32_MAX] !== lo) return true;
  if (r[at + MASK + 1] !== 0) return false;
  const hi = r[at + VALUE + 1]!;
  for (const bound of [SMIN, SMAX, UMIN, UMAX]) {
    if (r[at + bound] !== lo || r[at + bound + 1] !== hi) return true;
  }
  return false;
}

/** Gives up ranges that contradict each other; to be called after every operation that narrows. */
export function repairBounds(r: Int32Array, at: number): void {
  if (boundsContradict(r, at)) setUnbounded(r, at);
}

/** The value after its upper half was cleared: the 64-bit ranges are those of the lower half. */
export function zeroExtend32(r: Int32Array, at: number): void {
  tnumKeep32(r, at);
  r[at + UMIN] = r[at + U32_MIN]!;
  r[at + UMIN + 1] = 0;
  r[at + UMAX] = r[at + U32_MAX]!;
  r[at + UMAX + 1] = 0;
  const signed = r[at + S32_MIN]! >= 0 && r[at + S32_MAX]! >= 0;
  r[at + SMIN] = signed ? r[at + S32_MIN]! : 0;
  r[at + SMIN + 1] = 0;
  r[at + SMAX] = signed ? r[at + S32_MAX]! : -1;
  r[at + SMAX + 1] = 0;
}

/** Is everything the value at `b` can be within the ranges of the value at `a`? */
export function rangesContain(r: Int32Array, a: number, s: Int32Array, b: number): boolean {
  return (
    !ltUnsigned(s[b + UMIN]!, s[b + UMIN + 1]!, r[a + UMIN]!, r[a + UMIN + 1]!) &&
    !ltUnsigned(r[a + UMAX]!, r[a + UMAX + 1]!, s[b + UMAX]!, s[b + UMAX + 1]!) &&
    !ltSigned(s[b + SMIN]!, s[b + SMIN + 1]!, r[a + SMIN]!, r[a + SMIN + 1]!) &&
    !ltSigned(r[a + SMAX]!, r[a + SMAX + 1]!, s[b + SMAX]!, s[b + SMAX + 1]!) &&
    r[a + U32_MIN]! >>> 0 <= s[b + U32_MIN]! >>> 0 &&
    r[a + U32_MAX]! >>> 0 >= s[b + U32_MAX]! >>> 0 &&
    r[a + S32_MIN]! <= s[b + S32_MIN]! &&
    r[a + S32_MAX]! >= s[b + S32_MAX]!
  );
}

/** Keeps the lower `size` bytes (1, 2 or 4), zero-extended: what a load of that size yields. */
export function truncate(r: Int32Array, at: number, size: number): void {
  const mask = size === 4 ? -1 : (1 << (size * 8)) - 1;
  tnumKeep32(r, at);
  r[at + VALUE] = r[at + VALUE]! & mask;
  r[at + MASK] = r[at + MASK]! & mask;
  // Ranges survive where the part that goes is the same for all values.
  const minLo = r[at + UMIN]!;
  const maxLo = r[at + UMAX]!;
  const same = r[at + UMIN + 1] === r[at + UMAX + 1] && (minLo & ~mask) === (maxLo & ~mask);
  r[at + UMIN] = same ? minLo & mask : 0;
  r[at + UMIN + 1] = 0;
  r[at + UMAX] = same ? maxLo & mask : mask;
  r[at + UMAX + 1] = 0;
  for (let half = 0; half < 2; half++) {
    r[at + SMIN + half] = r[at + UMIN + half]!;
    r[at + SMAX + half] = r[at + UMAX + half]!;
  }
  // A known lower half that is narrowed says nothing about the rest any more.
  if (size < 4) setUnbounded32(r, at);
  syncBounds(r, at);
}
