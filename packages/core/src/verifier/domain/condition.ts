import { repairBounds, syncBounds } from "./bounds.js";
import { addHigh, ltSigned, ltUnsigned, subHigh } from "./int64.js";
import {
  isConstant,
  isConstant32,
  MASK,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  setUnbounded,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./register.js";
import { tnumIntersect, tnumsOverlap } from "./tnum.js";

/** Conditional jumps, by the upper four bits of the opcode (RFC 9669 section 4.3). */
export const JEQ = 0x10;
export const JGT = 0x20;
export const JGE = 0x30;
export const JSET = 0x40;
export const JNE = 0x50;
export const JSGT = 0x60;
export const JSGE = 0x70;
export const JLT = 0xa0;
export const JLE = 0xb0;
export const JSLT = 0xc0;
export const JSLE = 0xd0;
/** The negation of {@link JSET}, which has no opcode. */
const JCLEAR = 0x48;

/** What is known of a condition before it is evaluated. */
export type Outcome = "taken" | "not_taken" | "unknown";

/** The jump on `b op a` that `a op b` is the same as. */
export function mirrored(jump: number): number {
  switch (jump) {
    case JGT:
      return JLT;
    case JLT:
      return JGT;
    case JGE:
      return JLE;
    case JLE:
      return JGE;
    case JSGT:
      return JSLT;
    case JSLT:
      return JSGT;
    case JSGE:
      return JSLE;
    case JSLE:
      return JSGE;
    default:
      return jump;
  }
}

/** The jump on the opposite condition. */
function negated(jump: number): number {
  switch (jump) {
    case JEQ:
      return JNE;
    case JNE:
      return JEQ;
    case JSET:
      return JCLEAR;
    case JGT:
      return JLE;
    case JLE:
      return JGT;
    case JGE:
      return JLT;
    case JLT:
      return JGE;
    case JSGT:
      return JSLE;
    case JSLE:
      return JSGT;
    case JSGE:
      return JSLT;
    default:
      return JSGE;
  }
}

function isMirrored(jump: number): boolean {
  return jump === JGT || jump === JGE || jump === JSGT || jump === JSGE;
}

function isSignedJump(jump: number): boolean {
  return jump === JSLT || jump === JSLE;
}

/** `r[a] < s[b]` of two bounds: pairs of words, or single ones with `is32`. */
function less(is32: boolean, signed: boolean, r: Int32Array, a: number, s: Int32Array, b: number): boolean {
  if (is32) return signed ? r[a]! < s[b]! : r[a]! >>> 0 < s[b]! >>> 0;
  return signed ? ltSigned(r[a]!, r[a + 1]!, s[b]!, s[b + 1]!) : ltUnsigned(r[a]!, r[a + 1]!, s[b]!, s[b + 1]!);
}

function minimum(is32: boolean, signed: boolean): number {
  if (is32) return signed ? S32_MIN : U32_MIN;
  return signed ? SMIN : UMIN;
}

function maximum(is32: boolean, signed: boolean): number {
  if (is32) return signed ? S32_MAX : U32_MAX;
  return signed ? SMAX : UMAX;
}

function known(is32: boolean, r: Int32Array, at: number): boolean {
  return is32 ? isConstant32(r, at) : isConstant(r, at);
}

function rangesDisjoint(is32: boolean, signed: boolean, r: Int32Array, a: number, s: Int32Array, b: number): boolean {
  const min = minimum(is32, signed);
  const max = maximum(is32, signed);
  return less(is32, signed, s, b + max, r, a + min) || less(is32, signed, r, a + max, s, b + min);
}

function canBeEqual(is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): boolean {
  if (!tnumsOverlap(r, a, s, b, is32)) return false;
  if (rangesDisjoint(is32, false, r, a, s, b) || rangesDisjoint(is32, true, r, a, s, b)) return false;
  return is32 || !(rangesDisjoint(true, false, r, a, s, b) || rangesDisjoint(true, true, r, a, s, b));
}

/** The outcome of `if r[a] jump s[b]` where it is the same for all values of the two scalars. */
export function decideScalars(
  jump: number,
  is32: boolean,
  r: Int32Array,
  a: number,
  s: Int32Array,
  b: number,
): Outcome {
  switch (jump) {
    case JEQ:
    case JNE: {
      if (known(is32, r, a) && known(is32, s, b)) {
        const equal = r[a + VALUE] === s[b + VALUE] && (is32 || r[a + VALUE + 1] === s[b + VALUE + 1]);
        return equal === (jump === JEQ) ? "taken" : "not_taken";
      }
      if (canBeEqual(is32, r, a, s, b)) return "unknown";
      return jump === JNE ? "taken" : "not_taken";
    }
    case JSET:
      return decideBits(is32, r, a, s, b);
    default:
      return isMirrored(jump) ? decideOrder(mirrored(jump), is32, s, b, r, a) : decideOrder(jump, is32, r, a, s, b);
  }
}

/** `a < b` or `a <= b`. */
function decideOrder(jump: number, is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): Outcome {
  const signed = isSignedJump(jump);
  const min = minimum(is32, signed);
  const max = maximum(is32, signed);
  if (jump === JLT || jump === JSLT) {
    if (less(is32, signed, r, a + max, s, b + min)) return "taken";
    return less(is32, signed, r, a + min, s, b + max) ? "unknown" : "not_taken";
  }
  if (!less(is32, signed, s, b + min, r, a + max)) return "taken";
  return less(is32, signed, s, b + max, r, a + min) ? "not_taken" : "unknown";
}

function decideBits(is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): Outcome {
  if (!known(is32, s, b)) {
    return known(is32, r, a) ? decideBits(is32, s, b, r, a) : "unknown";
  }
  const lo = s[b + VALUE]!;
  const hi = is32 ? 0 : s[b + VALUE + 1]!;
  const vlo = r[a + VALUE]!;
  const vhi = r[a + VALUE + 1]!;
  if (((vlo & lo) | (vhi & hi)) !== 0) return "taken";
  if ((((vlo | r[a + MASK]!) & lo) | ((vhi | r[a + MASK + 1]!) & hi)) === 0) return "not_taken";
  return "unknown";
}

/**
 * Narrows two scalars to the values for which `if r[a] jump s[b]` is `taken` or not. Views that come to contradict each
 * other (the branch cannot be reached) are given up.
 */
export function refineScalars(
  jump: number,
  is32: boolean,
  taken: boolean,
  r: Int32Array,
  a: number,
  s: Int32Array,
  b: number,
): void {
  const condition = taken ? jump : negated(jump);
  if (isMirrored(condition)) refineOrder(mirrored(condition), is32, s, b, r, a);
  else if (condition === JEQ) refineEqual(is32, r, a, s, b);
  else if (condition === JNE || condition === JSET || condition === JCLEAR) {
    if (known(is32, s, b)) refineByConstant(condition, is32, r, a, s, b);
    else if (known(is32, r, a)) refineByConstant(condition, is32, s, b, r, a);
  } else refineOrder(condition, is32, r, a, s, b);
  syncBounds(r, a);
  syncBounds(s, b);
  repairBounds(r, a);
  repairBounds(s, b);
}

function copyBound(is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): void {
  r[a] = s[b]!;
  if (!is32) r[a + 1] = s[b + 1]!;
}

function refineEqual(is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): void {
  for (let i = 0; i < 2; i++) {
    const signed = i === 1;
    const min = minimum(is32, signed);
    const max = maximum(is32, signed);
    if (less(is32, signed, r, a + min, s, b + min)) copyBound(is32, r, a + min, s, b + min);
    if (less(is32, signed, s, b + max, r, a + max)) copyBound(is32, r, a + max, s, b + max);
    copyBound(is32, s, b + min, r, a + min);
    copyBound(is32, s, b + max, r, a + max);
  }
  if (is32) {
    tnumIntersect(r, a, s[b + VALUE]!, r[a + VALUE + 1]!, s[b + MASK]!, r[a + MASK + 1]!);
  } else {
    tnumIntersect(r, a, s[b + VALUE]!, s[b + VALUE + 1]!, s[b + MASK]!, s[b + MASK + 1]!);
    s[b + VALUE + 1] = r[a + VALUE + 1]!;
    s[b + MASK + 1] = r[a + MASK + 1]!;
  }
  s[b + VALUE] = r[a + VALUE]!;
  s[b + MASK] = r[a + MASK]!;
}

/** `a < b` or `a <= b`: a's maximum and b's minimum move. */
function refineOrder(jump: number, is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): void {
  const signed = isSignedJump(jump);
  const min = minimum(is32, signed);
  const max = maximum(is32, signed);
  const strict = jump === JLT || jump === JSLT ? 1 : 0;
  const topLo = (s[b + max]! - strict) | 0;
  const topHi = is32 ? 0 : subHigh(s[b + max]!, s[b + max + 1]!, strict, 0);
  const lowLo = (r[a + min]! + strict) | 0;
  const lowHi = is32 ? 0 : addHigh(r[a + min]!, r[a + min + 1]!, strict, 0);
  lower(is32, signed, r, a + max, topLo, topHi);
  raise(is32, signed, s, b + min, lowLo, lowHi);
}

function lower(is32: boolean, signed: boolean, r: Int32Array, bound: number, lo: number, hi: number): void {
  if (is32) {
    if (signed ? lo < r[bound]! : lo >>> 0 < r[bound]! >>> 0) r[bound] = lo;
  } else if (signed ? ltSigned(lo, hi, r[bound]!, r[bound + 1]!) : ltUnsigned(lo, hi, r[bound]!, r[bound + 1]!)) {
    r[bound] = lo;
    r[bound + 1] = hi;
  }
}

function raise(is32: boolean, signed: boolean, r: Int32Array, bound: number, lo: number, hi: number): void {
  if (is32) {
    if (signed ? lo > r[bound]! : lo >>> 0 > r[bound]! >>> 0) r[bound] = lo;
  } else if (signed ? ltSigned(r[bound]!, r[bound + 1]!, lo, hi) : ltUnsigned(r[bound]!, r[bound + 1]!, lo, hi)) {
    r[bound] = lo;
    r[bound + 1] = hi;
  }
}

function refineByConstant(condition: number, is32: boolean, r: Int32Array, a: number, s: Int32Array, b: number): void {
  const lo = s[b + VALUE]!;
  const hi = is32 ? 0 : s[b + VALUE + 1]!;
  if (condition === JNE) {
    stepOverEnds(is32, r, a, lo, s[b + VALUE + 1]!);
    return;
  }
  if (condition === JSET) {
    // One bit that is set says something; one of several does not.
    const single = lo !== 0 ? hi === 0 && (lo & (lo - 1)) === 0 : hi !== 0 && (hi & (hi - 1)) === 0;
    if (!single) return;
    r[a + VALUE] = r[a + VALUE]! | lo;
    r[a + MASK] = r[a + MASK]! & ~lo;
    r[a + VALUE + 1] = r[a + VALUE + 1]! | hi;
    r[a + MASK + 1] = r[a + MASK + 1]! & ~hi;
    return;
  }
  setUnbounded(r, a);
  r[a + VALUE] = r[a + VALUE]! & ~lo;
  r[a + MASK] = r[a + MASK]! & ~lo;
  if (!is32) {
    r[a + VALUE + 1] = r[a + VALUE + 1]! & ~hi;
    r[a + MASK + 1] = r[a + MASK + 1]! & ~hi;
  }
}

/** Values other than the constant: an end of the range that equals it moves by one. */
function stepOverEnds(is32: boolean, r: Int32Array, a: number, lo: number, hi: number): void {
  for (let i = 0; i < 2; i++) {
    const min = a + minimum(is32, i === 1);
    const max = a + maximum(is32, i === 1);
    if (r[min] === lo && (is32 || r[min + 1] === hi)) {
      if (!is32) r[min + 1] = addHigh(lo, hi, 1, 0);
      r[min] = (lo + 1) | 0;
    }
    if (r[max] === lo && (is32 || r[max + 1] === hi)) {
      if (!is32) r[max + 1] = subHigh(lo, hi, 1, 0);
      r[max] = (lo - 1) | 0;
    }
  }
}
