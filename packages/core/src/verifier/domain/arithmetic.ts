import { narrow32ByTnum, narrowByTnum, syncBounds, truncate, zeroExtend32 } from "./bounds.js";
import {
  addHigh,
  ltSigned,
  ltUnsigned,
  mulHigh,
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
import {
  AUX,
  clearRegister,
  copyRegister,
  ID,
  isConstant,
  isConstant32,
  MAP_UID,
  MASK,
  OBJECT,
  OFF,
  REF,
  REGISTER_WORDS,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  setUnbounded,
  setUnbounded32,
  setUnbounded64,
  setValue,
  setValue32Bounds,
  U32_MAX,
  U32_MIN,
  UMAX,
  UMIN,
  VALUE,
} from "./register.js";
import {
  tnumAdd,
  tnumAnd,
  tnumKeep32,
  tnumMul,
  tnumOr,
  tnumShiftLeft,
  tnumShiftRight,
  tnumShiftRightSigned,
  tnumSub,
  tnumXor,
} from "./tnum.js";

/** ALU operations, by the upper four bits of the opcode (RFC 9669 section 4.1). */
export const ADD = 0x00;
export const SUB = 0x10;
export const MUL = 0x20;
export const DIV = 0x30;
export const OR = 0x40;
export const AND = 0x50;
export const LSH = 0x60;
export const RSH = 0x70;
export const NEG = 0x80;
export const MOD = 0x90;
export const XOR = 0xa0;
export const MOV = 0xb0;
export const ARSH = 0xc0;
export const END = 0xd0;

/** A scalar of a single known value; forgets where it came from. Type and precision stay. */
export function setKnown(r: Int32Array, at: number, lo: number, hi: number): void {
  r[at + OFF] = 0;
  r[at + AUX] = 0;
  r[at + OBJECT] = 0;
  r[at + MAP_UID] = 0;
  r[at + ID] = 0;
  r[at + REF] = 0;
  setValue(r, at, lo, hi);
}

/**
 * `r[at] = r[at] op s[src]` over sets of values; 32-bit operations clear the upper half. Returns false where nothing is
 * known of the result: division, modulo, and shifts by anything but a known amount within the width.
 */
export function applyScalarOperation(
  operation: number,
  is32: boolean,
  r: Int32Array,
  at: number,
  s: Int32Array,
  src: number,
): boolean {
  switch (operation) {
    case ADD:
      add32(r, at, s, src);
      add64(r, at, s, src);
      tnumAdd(r, at, s, src);
      break;
    case SUB:
      sub32(r, at, s, src);
      sub64(r, at, s, src);
      tnumSub(r, at, s, src);
      break;
    case NEG:
      negate(r, at);
      break;
    case MUL:
      tnumMul(r, at, s, src);
      mul32(r, at, s, src);
      mul64(r, at, s, src);
      break;
    case AND:
    case OR:
    case XOR:
      applyBitwise(operation, r, at, s, src);
      break;
    case LSH:
    case RSH:
    case ARSH: {
      if (!isKnownShift(is32, s, src)) return false;
      shift(operation, is32, r, at, is32 ? s[src + U32_MIN]! : s[src + UMIN]!);
      break;
    }
    default:
      return false;
  }
  if (is32) zeroExtend32(r, at);
  syncBounds(r, at);
  return true;
}

function isKnownShift(is32: boolean, s: Int32Array, src: number): boolean {
  const constant = is32
    ? isConstant32(s, src) && s[src + S32_MIN] === s[src + S32_MAX] && s[src + U32_MIN] === s[src + U32_MAX]
    : isConstant(s, src);
  return constant && s[src + UMAX + 1] === 0 && s[src + UMAX]! >>> 0 < (is32 ? 32 : 64);
}

function setS32(r: Int32Array, at: number, min: number, max: number): void {
  r[at + S32_MIN] = min;
  r[at + S32_MAX] = max;
}

function setU32(r: Int32Array, at: number, min: number, max: number): void {
  r[at + U32_MIN] = min;
  r[at + U32_MAX] = max;
}

function setS64Unbounded(r: Int32Array, at: number): void {
  r[at + SMIN] = 0;
  r[at + SMIN + 1] = -0x80000000;
  r[at + SMAX] = -1;
  r[at + SMAX + 1] = 0x7fffffff;
}

function setU64Unbounded(r: Int32Array, at: number): void {
  r[at + UMIN] = 0;
  r[at + UMIN + 1] = 0;
  r[at + UMAX] = -1;
  r[at + UMAX + 1] = -1;
}

/**
 * Ranges add and subtract end by end. Signed ends that overflow lose the range. Unsigned ends may wrap, as long as both
 * do: then the range has only moved.
 */
function add32(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const smin = r[at + S32_MIN]! + s[src + S32_MIN]!;
  const smax = r[at + S32_MAX]! + s[src + S32_MAX]!;
  if (smin === (smin | 0) && smax === (smax | 0)) setS32(r, at, smin, smax);
  else setS32(r, at, -0x80000000, 0x7fffffff);
  const umin = (r[at + U32_MIN]! >>> 0) + (s[src + U32_MIN]! >>> 0);
  const umax = (r[at + U32_MAX]! >>> 0) + (s[src + U32_MAX]! >>> 0);
  if (umin <= 0xffffffff && umax > 0xffffffff) setU32(r, at, 0, -1);
  else setU32(r, at, umin | 0, umax | 0);
}

function sub32(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const smin = r[at + S32_MIN]! - s[src + S32_MAX]!;
  const smax = r[at + S32_MAX]! - s[src + S32_MIN]!;
  if (smin === (smin | 0) && smax === (smax | 0)) setS32(r, at, smin, smax);
  else setS32(r, at, -0x80000000, 0x7fffffff);
  const umin = (r[at + U32_MIN]! >>> 0) - (s[src + U32_MAX]! >>> 0);
  const umax = (r[at + U32_MAX]! >>> 0) - (s[src + U32_MIN]! >>> 0);
  if (umin < 0 && umax >= 0) setU32(r, at, 0, -1);
  else setU32(r, at, umin | 0, umax | 0);
}

/** Moves one signed end by `b`; true where that overflows. */
function addSigned(r: Int32Array, end: number, blo: number, bhi: number): boolean {
  const alo = r[end]!;
  const ahi = r[end + 1]!;
  const hi = addHigh(alo, ahi, blo, bhi);
  r[end] = (alo + blo) | 0;
  r[end + 1] = hi;
  return ((ahi ^ hi) & (bhi ^ hi)) < 0;
}

function subSigned(r: Int32Array, end: number, blo: number, bhi: number): boolean {
  const alo = r[end]!;
  const ahi = r[end + 1]!;
  const hi = subHigh(alo, ahi, blo, bhi);
  r[end] = (alo - blo) | 0;
  r[end + 1] = hi;
  return ((ahi ^ bhi) & (ahi ^ hi)) < 0;
}

/** Moves one unsigned end by `b`; true where that wraps. */
function addUnsigned(r: Int32Array, end: number, blo: number, bhi: number): boolean {
  const alo = r[end]!;
  const ahi = r[end + 1]!;
  const lo = (alo + blo) | 0;
  const hi = addHigh(alo, ahi, blo, bhi);
  r[end] = lo;
  r[end + 1] = hi;
  return ltUnsigned(lo, hi, alo, ahi);
}

function subUnsigned(r: Int32Array, end: number, blo: number, bhi: number): boolean {
  const alo = r[end]!;
  const ahi = r[end + 1]!;
  r[end] = (alo - blo) | 0;
  r[end + 1] = subHigh(alo, ahi, blo, bhi);
  return ltUnsigned(alo, ahi, blo, bhi);
}

function add64(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const overflowLow = addSigned(r, at + SMIN, s[src + SMIN]!, s[src + SMIN + 1]!);
  const overflowHigh = addSigned(r, at + SMAX, s[src + SMAX]!, s[src + SMAX + 1]!);
  if (overflowLow || overflowHigh) setS64Unbounded(r, at);
  const wrapLow = addUnsigned(r, at + UMIN, s[src + UMIN]!, s[src + UMIN + 1]!);
  const wrapHigh = addUnsigned(r, at + UMAX, s[src + UMAX]!, s[src + UMAX + 1]!);
  if (!wrapLow && wrapHigh) setU64Unbounded(r, at);
}

function sub64(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const overflowLow = subSigned(r, at + SMIN, s[src + SMAX]!, s[src + SMAX + 1]!);
  const overflowHigh = subSigned(r, at + SMAX, s[src + SMIN]!, s[src + SMIN + 1]!);
  if (overflowLow || overflowHigh) setS64Unbounded(r, at);
  const wrapLow = subUnsigned(r, at + UMIN, s[src + UMAX]!, s[src + UMAX + 1]!);
  const wrapHigh = subUnsigned(r, at + UMAX, s[src + UMIN]!, s[src + UMIN + 1]!);
  if (wrapLow && !wrapHigh) setU64Unbounded(r, at);
}

const operand = new Int32Array(REGISTER_WORDS);

/** The arithmetic of signed and unsigned offsets on a pointer; the tristate number is left to the caller. */
export { add64 as addRanges64, sub64 as subRanges64 };

function negate(r: Int32Array, at: number): void {
  copyRegister(operand, 0, r, at);
  setKnown(r, at, 0, 0);
  sub32(r, at, operand, 0);
  sub64(r, at, operand, 0);
  tnumSub(r, at, operand, 0);
}

function mul32(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const umin = (r[at + U32_MIN]! >>> 0) * (s[src + U32_MIN]! >>> 0);
  const umax = (r[at + U32_MAX]! >>> 0) * (s[src + U32_MAX]! >>> 0);
  if (umax > 0xffffffff) setU32(r, at, 0, -1);
  else setU32(r, at, umin | 0, umax | 0);
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < 4; i++) {
    const product = r[at + ((i & 1) === 0 ? S32_MIN : S32_MAX)]! * s[src + ((i & 2) === 0 ? S32_MIN : S32_MAX)]!;
    if (product < least) least = product;
    if (product > most) most = product;
  }
  if (least < -0x80000000 || most > 0x7fffffff) setS32(r, at, -0x80000000, 0x7fffffff);
  else setS32(r, at, least, most);
}

function mul64(r: Int32Array, at: number, s: Int32Array, src: number): void {
  if (mulOverflowsUnsigned(r[at + UMAX]!, r[at + UMAX + 1]!, s[src + UMAX]!, s[src + UMAX + 1]!)) {
    setU64Unbounded(r, at);
  } else {
    multiplyEnd(r, at + UMIN, s, src + UMIN);
    multiplyEnd(r, at + UMAX, s, src + UMAX);
  }
  mulSigned64(r, at, s, src);
}

function multiplyEnd(r: Int32Array, end: number, s: Int32Array, other: number): void {
  const alo = r[end]!;
  const blo = s[other]!;
  r[end + 1] = mulHigh(alo, r[end + 1]!, blo, s[other + 1]!);
  r[end] = Math.imul(alo, blo);
}

/** The signed product's ends are among the products of the ends. */
function mulSigned64(r: Int32Array, at: number, s: Int32Array, src: number): void {
  let minLo = -1;
  let minHi = 0x7fffffff;
  let maxLo = 0;
  let maxHi = -0x80000000;
  for (let i = 0; i < 4; i++) {
    const a = at + ((i & 1) === 0 ? SMIN : SMAX);
    const b = src + ((i & 2) === 0 ? SMIN : SMAX);
    const alo = r[a]!;
    const ahi = r[a + 1]!;
    const blo = s[b]!;
    const bhi = s[b + 1]!;
    if (mulOverflowsSigned(alo, ahi, blo, bhi)) {
      setS64Unbounded(r, at);
      return;
    }
    const lo = Math.imul(alo, blo);
    const hi = mulHigh(alo, ahi, blo, bhi);
    if (ltSigned(lo, hi, minLo, minHi)) {
      minLo = lo;
      minHi = hi;
    }
    if (ltSigned(maxLo, maxHi, lo, hi)) {
      maxLo = lo;
      maxHi = hi;
    }
  }
  r[at + SMIN] = minLo;
  r[at + SMIN + 1] = minHi;
  r[at + SMAX] = maxLo;
  r[at + SMAX + 1] = maxHi;
}

/**
 * And, or, xor: the tristate numbers say most. An `and` is at most the smaller operand, an `or` at least the greater.
 */
function applyBitwise(operation: number, r: Int32Array, at: number, s: Int32Array, src: number): void {
  const umin = at + UMIN;
  const umax = at + UMAX;
  if (operation === AND) tnumAnd(r, at, s, src);
  else if (operation === OR) tnumOr(r, at, s, src);
  else tnumXor(r, at, s, src);
  const vlo = r[at + VALUE]!;
  const vhi = r[at + VALUE + 1]!;
  const mlo = r[at + MASK]!;
  bitwise32(operation, r, at, s, src);
  if (isConstant(r, at) && isConstant(s, src)) {
    setKnown(r, at, vlo, vhi);
    return;
  }
  const keepMax = operation === AND && ltUnsigned(r[umax]!, r[umax + 1]!, s[src + UMAX]!, s[src + UMAX + 1]!);
  const keepMin = operation === OR && !ltUnsigned(r[umin]!, r[umin + 1]!, s[src + UMIN]!, s[src + UMIN + 1]!);
  if (!keepMin) {
    r[umin] = operation === OR ? s[src + UMIN]! : vlo;
    r[umin + 1] = operation === OR ? s[src + UMIN + 1]! : vhi;
  }
  if (!keepMax) {
    r[umax] = operation === AND ? s[src + UMAX]! : vlo | mlo;
    r[umax + 1] = operation === AND ? s[src + UMAX + 1]! : vhi | r[at + MASK + 1]!;
  }
  signedFromUnsigned64(r, at);
  narrowByTnum(r, at);
}

/** The signed range is the unsigned one, where that does not cross the sign bit. */
function signedFromUnsigned64(r: Int32Array, at: number): void {
  if (ltSigned(r[at + UMAX]!, r[at + UMAX + 1]!, r[at + UMIN]!, r[at + UMIN + 1]!)) {
    setS64Unbounded(r, at);
    return;
  }
  for (let half = 0; half < 2; half++) {
    r[at + SMIN + half] = r[at + UMIN + half]!;
    r[at + SMAX + half] = r[at + UMAX + half]!;
  }
}

function bitwise32(operation: number, r: Int32Array, at: number, s: Int32Array, src: number): void {
  const value = r[at + VALUE]!;
  if (isConstant32(r, at) && isConstant32(s, src)) {
    setValue32Bounds(r, at, value);
    return;
  }
  let min = value;
  let max = value | r[at + MASK]!;
  if (operation === AND) max = Math.min(r[at + U32_MAX]! >>> 0, s[src + U32_MAX]! >>> 0) | 0;
  if (operation === OR) min = Math.max(r[at + U32_MIN]! >>> 0, s[src + U32_MIN]! >>> 0) | 0;
  setU32(r, at, min, max);
  if (min <= max) setS32(r, at, min, max);
  else setS32(r, at, -0x80000000, 0x7fffffff);
}

function shift(operation: number, is32: boolean, r: Int32Array, at: number, n: number): void {
  if (is32) {
    tnumKeep32(r, at);
    if (operation === LSH) {
      shiftLeftU32(r, at, n);
      tnumShiftLeft(r, at, n);
      tnumKeep32(r, at);
    } else if (operation === RSH) {
      setS32(r, at, -0x80000000, 0x7fffffff);
      tnumShiftRight(r, at, n);
      setU32(r, at, r[at + U32_MIN]! >>> n, r[at + U32_MAX]! >>> n);
    } else {
      setS32(r, at, r[at + S32_MIN]! >> n, r[at + S32_MAX]! >> n);
      r[at + VALUE] = r[at + VALUE]! >> n;
      r[at + MASK] = r[at + MASK]! >> n;
      setU32(r, at, 0, -1);
    }
    setUnbounded64(r, at);
    narrow32ByTnum(r, at);
    return;
  }
  if (operation === LSH) {
    shiftLeft64(r, at, n);
    shiftLeftU32(r, at, n);
    tnumShiftLeft(r, at, n);
  } else {
    if (operation === RSH) shiftRight64(r, at, n);
    else shiftRightSigned64(r, at, n);
    setUnbounded32(r, at);
  }
  narrowByTnum(r, at);
}

function shiftLeftU32(r: Int32Array, at: number, n: number): void {
  setS32(r, at, -0x80000000, 0x7fffffff);
  if (n > 31 || r[at + U32_MAX]! >>> 0 > 2 ** (31 - n)) setU32(r, at, 0, -1);
  else setU32(r, at, r[at + U32_MIN]! << n, r[at + U32_MAX]! << n);
}

function shiftLeft64(r: Int32Array, at: number, n: number): void {
  setS64Unbounded(r, at);
  if (n === 32) {
    // Half of a sign extension by shifts: the lower half's signed order is the result's.
    r[at + SMIN] = 0;
    r[at + SMIN + 1] = r[at + S32_MIN]!;
    r[at + SMAX] = 0;
    r[at + SMAX + 1] = r[at + S32_MAX]!;
  }
  const limit = 63 - n;
  if (ltUnsigned(shlLow(1, limit), shlHigh(1, 0, limit), r[at + UMAX]!, r[at + UMAX + 1]!)) {
    setU64Unbounded(r, at);
    return;
  }
  for (const end of [at + UMIN, at + UMAX]) {
    const lo = r[end]!;
    r[end + 1] = shlHigh(lo, r[end + 1]!, n);
    r[end] = shlLow(lo, n);
  }
}

function shiftRight64(r: Int32Array, at: number, n: number): void {
  setS64Unbounded(r, at);
  tnumShiftRight(r, at, n);
  for (const end of [at + UMIN, at + UMAX]) {
    const hi = r[end + 1]!;
    r[end] = shrLow(r[end]!, hi, n);
    r[end + 1] = shrHigh(hi, n);
  }
}

function shiftRightSigned64(r: Int32Array, at: number, n: number): void {
  setU64Unbounded(r, at);
  tnumShiftRightSigned(r, at, n);
  for (const end of [at + SMIN, at + SMAX]) {
    const hi = r[end + 1]!;
    r[end] = sarLow(r[end]!, hi, n);
    r[end + 1] = sarHigh(hi, n);
  }
}

function swapBytes32(x: number): number {
  return ((x & 0xff) << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}

/**
 * Byte order conversion of the lower `width` bits (16, 32, 64), which become the whole value; `swap` says whether the
 * bytes change places at all.
 */
export function applyByteSwap(r: Int32Array, at: number, width: number, swap: boolean): void {
  if (swap) {
    for (const field of [at + VALUE, at + MASK]) {
      const lo = r[field]!;
      const hi = r[field + 1]!;
      r[field] = width === 16 ? swapBytes32(lo) >>> 16 : swapBytes32(width === 64 ? hi : lo);
      r[field + 1] = width === 64 ? swapBytes32(lo) : 0;
    }
    setUnbounded(r, at);
  }
  if (width < 64) truncate(r, at, width / 8);
  syncBounds(r, at);
}

function signExtend(value: number, bits: number): number {
  return bits === 32 ? value | 0 : (value << (32 - bits)) >> (32 - bits);
}

/** Sign extension of the lower `bits` (8, 16, 32) to 64 bits. */
export function signExtend64(r: Int32Array, at: number, bits: number): void {
  if (isConstant(r, at)) {
    const value = signExtend(r[at + VALUE]!, bits);
    setValue(r, at, value, value >> 31);
    return;
  }
  const low = bits === 32 ? -1 : (1 << bits) - 1;
  const sameTop = r[at + SMIN + 1] === r[at + SMAX + 1] && (r[at + SMIN]! & ~low) === (r[at + SMAX]! & ~low);
  const a = signExtend(r[at + SMIN]!, bits);
  const b = signExtend(r[at + SMAX]!, bits);
  if (sameTop && a >= 0 === b >= 0) {
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    setRange64(r, at, min, max);
    setTnumRange64(r, at, min, max);
    return;
  }
  setRange64(r, at, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  setU64Unbounded(r, at);
  setU32(r, at, 0, -1);
  r.fill(0, at + VALUE, at + MASK);
  r.fill(-1, at + MASK, at + MASK + 2);
}

function setRange64(r: Int32Array, at: number, min: number, max: number): void {
  for (const field of [SMIN, UMIN]) {
    r[at + field] = min;
    r[at + field + 1] = min >> 31;
  }
  for (const field of [SMAX, UMAX]) {
    r[at + field] = max;
    r[at + field + 1] = max >> 31;
  }
  setS32(r, at, min, max);
  setU32(r, at, min, max);
}

/** The smallest tnum around two s32 of one sign, sign-extended. */
function setTnumRange64(r: Int32Array, at: number, min: number, max: number): void {
  const bits = 32 - Math.clz32(min ^ max);
  const mask = bits >= 32 ? -1 : (1 << bits) - 1;
  r[at + VALUE] = min & ~mask;
  r[at + VALUE + 1] = min >> 31;
  r[at + MASK] = mask;
  r[at + MASK + 1] = 0;
}

/** Sign extension of the lower `bits` (8, 16) to 32 bits; the caller clears the upper half. */
export function signExtend32(r: Int32Array, at: number, bits: number): void {
  if (isConstant(r, at)) {
    const value = signExtend(r[at + VALUE]!, bits);
    r[at + VALUE] = value;
    r[at + VALUE + 1] = value >> 31;
    setValue32Bounds(r, at, value);
    return;
  }
  const low = (1 << bits) - 1;
  const a = signExtend(r[at + S32_MIN]!, bits);
  const b = signExtend(r[at + S32_MAX]!, bits);
  const sameTop = (r[at + S32_MIN]! & ~low) === (r[at + S32_MAX]! & ~low);
  if (sameTop && a >= 0 === b >= 0) {
    const min = Math.min(a, b);
    const max = Math.max(a, b);
    setS32(r, at, min, max);
    setU32(r, at, min, max);
    setTnumRange64(r, at, min, max);
    tnumKeep32(r, at);
    return;
  }
  setS32(r, at, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1);
  setU32(r, at, 0, -1);
  r[at + VALUE] = 0;
  r[at + VALUE + 1] = 0;
  r[at + MASK] = -1;
  r[at + MASK + 1] = 0;
}

/** A scalar of which nothing is known; type and precision are the caller's. */
export function setUnknown(r: Int32Array, at: number): void {
  clearRegister(r, at);
}
