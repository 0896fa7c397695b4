import { addHigh, bitLength, sarHigh, sarLow, shlHigh, shlLow, shrHigh, shrLow, subHigh } from "./int64.js";
import { MASK, VALUE } from "./register.js";

/**
 * Tristate numbers: bits known to be 0, known to be 1, or unknown, as a value and a mask of the unknown bits. The
 * operators are those of H. Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate
 * Numbers" (CGO 2022). Each replaces the number in the record `r[at]`.
 */

export function tnumAdd(r: Int32Array, at: number, s: Int32Array, src: number): void {
  addTo(r, at + VALUE, r, at + VALUE, s, src + VALUE, src + MASK);
}

/**
 * The sum of the tnum at `a` (value, then mask) and the tnum with its value at `bv` and its mask at `bm`, into `to`
 * (value, then mask).
 */
function addTo(to: Int32Array, at: number, a: Int32Array, av: number, b: Int32Array, bv: number, bm: number): void {
  const avlo = a[av]!;
  const avhi = a[av + 1]!;
  const amlo = a[av + 2]!;
  const amhi = a[av + 3]!;
  const bmlo = b[bm]!;
  const bmhi = b[bm + 1]!;
  const bvlo = b[bv]!;
  const vlo = (avlo + bvlo) | 0;
  const vhi = addHigh(avlo, avhi, bvlo, b[bv + 1]!);
  const mlo = (amlo + bmlo) | 0;
  const mhi = addHigh(amlo, amhi, bmlo, bmhi);
  // Bits where adding all the unknown bits as ones changes a carry are unknown as well.
  const unknownLo = (((vlo + mlo) | 0) ^ vlo) | amlo | bmlo;
  const unknownHi = (addHigh(vlo, vhi, mlo, mhi) ^ vhi) | amhi | bmhi;
  to[at] = vlo & ~unknownLo;
  to[at + 1] = vhi & ~unknownHi;
  to[at + 2] = unknownLo;
  to[at + 3] = unknownHi;
}

export function tnumSub(r: Int32Array, at: number, s: Int32Array, src: number): void {
  const alo = r[at + VALUE]!;
  const amlo = r[at + MASK]!;
  const amhi = r[at + MASK + 1]!;
  const bmlo = s[src + MASK]!;
  const bmhi = s[src + MASK + 1]!;
  const blo = s[src + VALUE]!;
  const dlo = (alo - blo) | 0;
  const dhi = subHigh(alo, r[at + VALUE + 1]!, blo, s[src + VALUE + 1]!);
  const most = (dlo + amlo) | 0;
  const least = (dlo - bmlo) | 0;
  const unknownLo = (most ^ least) | amlo | bmlo;
  const unknownHi = (addHigh(dlo, dhi, amlo, amhi) ^ subHigh(dlo, dhi, bmlo, bmhi)) | amhi | bmhi;
  setTnum(r, at, dlo & ~unknownLo, dhi & ~unknownHi, unknownLo, unknownHi);
}

export function tnumAnd(r: Int32Array, at: number, s: Int32Array, src: number): void {
  for (let half = 0; half < 2; half++) {
    const a = r[at + VALUE + half]!;
    const b = s[src + VALUE + half]!;
    const value = a & b;
    r[at + MASK + half] = (a | r[at + MASK + half]!) & (b | s[src + MASK + half]!) & ~value;
    r[at + VALUE + half] = value;
  }
}

export function tnumOr(r: Int32Array, at: number, s: Int32Array, src: number): void {
  for (let half = 0; half < 2; half++) {
    const value = r[at + VALUE + half]! | s[src + VALUE + half]!;
    r[at + MASK + half] = (r[at + MASK + half]! | s[src + MASK + half]!) & ~value;
    r[at + VALUE + half] = value;
  }
}

export function tnumXor(r: Int32Array, at: number, s: Int32Array, src: number): void {
  for (let half = 0; half < 2; half++) {
    const unknown = r[at + MASK + half]! | s[src + MASK + half]!;
    r[at + VALUE + half] = (r[at + VALUE + half]! ^ s[src + VALUE + half]!) & ~unknown;
    r[at + MASK + half] = unknown;
  }
}

// Three tnums (value, then mask) that a multiplication works on.
const scratch = new Int32Array(16);
const SUM = 0;
const ADDEND = 4;
const OTHER = 8;

/**
 * Long multiplication over the bits of the first factor. A bit that isn't known makes the result the union of the sums
 * with and without the shifted second factor.
 */
export function tnumMul(r: Int32Array, at: number, s: Int32Array, src: number): void {
  let avlo = r[at + VALUE]!;
  let avhi = r[at + VALUE + 1]!;
  let amlo = r[at + MASK]!;
  let amhi = r[at + MASK + 1]!;
  const t = scratch;
  t.fill(0, SUM, SUM + 4);
  for (let i = 0; i < 2; i++) {
    t[ADDEND + i] = s[src + VALUE + i]!;
    t[ADDEND + 2 + i] = s[src + MASK + i]!;
  }
  while ((avlo | avhi | amlo | amhi) !== 0) {
    if ((avlo & 1) !== 0) {
      addTo(t, SUM, t, SUM, t, ADDEND, ADDEND + 2);
    } else if ((amlo & 1) !== 0) {
      addTo(t, OTHER, t, SUM, t, ADDEND, ADDEND + 2);
      unionInto(t, SUM, OTHER);
    }
    avlo = shrLow(avlo, avhi, 1);
    avhi = shrHigh(avhi, 1);
    amlo = shrLow(amlo, amhi, 1);
    amhi = shrHigh(amhi, 1);
    t[ADDEND + 1] = shlHigh(t[ADDEND]!, t[ADDEND + 1]!, 1);
    t[ADDEND] = t[ADDEND]! << 1;
    t[ADDEND + 3] = shlHigh(t[ADDEND + 2]!, t[ADDEND + 3]!, 1);
    t[ADDEND + 2] = t[ADDEND + 2]! << 1;
  }
  setTnum(r, at, t[SUM]!, t[SUM + 1]!, t[SUM + 2]!, t[SUM + 3]!);
}

function unionInto(t: Int32Array, into: number, other: number): void {
  for (let half = 0; half < 2; half++) {
    const a = t[into + half]!;
    const b = t[other + half]!;
    const unknown = (a ^ b) | t[into + 2 + half]! | t[other + 2 + half]!;
    t[into + half] = a & b & ~unknown;
    t[into + 2 + half] = unknown;
  }
}

export function tnumShiftLeft(r: Int32Array, at: number, n: number): void {
  for (const field of [VALUE, MASK]) {
    const lo = r[at + field]!;
    r[at + field + 1] = shlHigh(lo, r[at + field + 1]!, n);
    r[at + field] = shlLow(lo, n);
  }
}

export function tnumShiftRight(r: Int32Array, at: number, n: number): void {
  for (const field of [VALUE, MASK]) {
    const hi = r[at + field + 1]!;
    r[at + field] = shrLow(r[at + field]!, hi, n);
    r[at + field + 1] = shrHigh(hi, n);
  }
}

/** Arithmetic shift: an unknown sign bit is copied as unknown, since value and mask shift alike. */
export function tnumShiftRightSigned(r: Int32Array, at: number, n: number): void {
  for (const field of [VALUE, MASK]) {
    const hi = r[at + field + 1]!;
    r[at + field] = sarLow(r[at + field]!, hi, n);
    r[at + field + 1] = sarHigh(hi, n);
  }
}

/** Forgets the upper half: it is zero. */
export function tnumKeep32(r: Int32Array, at: number): void {
  r[at + VALUE + 1] = 0;
  r[at + MASK + 1] = 0;
}

export function setTnum(r: Int32Array, at: number, vlo: number, vhi: number, mlo: number, mhi: number): void {
  r[at + VALUE] = vlo;
  r[at + VALUE + 1] = vhi;
  r[at + MASK] = mlo;
  r[at + MASK + 1] = mhi;
}

/** Can the two numbers be equal, as far as known bits tell? With `only32`, in their lower halves. */
export function tnumsOverlap(r: Int32Array, a: number, s: Int32Array, b: number, only32: boolean): boolean {
  const lo = (r[a + VALUE]! ^ s[b + VALUE]!) & ~r[a + MASK]! & ~s[b + MASK]!;
  if (only32) return lo === 0;
  return (lo | ((r[a + VALUE + 1]! ^ s[b + VALUE + 1]!) & ~r[a + MASK + 1]! & ~s[b + MASK + 1]!)) === 0;
}

/** Is everything that the number at `b` can be also in the number at `a`? */
export function tnumContains(r: Int32Array, a: number, s: Int32Array, b: number): boolean {
  for (let half = 0; half < 2; half++) {
    const mask = r[a + MASK + half]!;
    if ((s[b + MASK + half]! & ~mask) !== 0) return false;
    if ((s[b + VALUE + half]! & ~mask) !== r[a + VALUE + half]!) return false;
  }
  return true;
}

/** Narrows the number to what is also within the tnum given; the two must not contradict each other. */
export function tnumIntersect(r: Int32Array, at: number, vlo: number, vhi: number, mlo: number, mhi: number): void {
  const unknownLo = r[at + MASK]! & mlo;
  const unknownHi = r[at + MASK + 1]! & mhi;
  setTnum(r, at, (r[at + VALUE]! | vlo) & ~unknownLo, (r[at + VALUE + 1]! | vhi) & ~unknownHi, unknownLo, unknownHi);
}

/** Narrows the number to the smallest tnum around `min` to `max`, both unsigned. */
export function tnumIntersectRange(
  r: Int32Array,
  at: number,
  minLo: number,
  minHi: number,
  maxLo: number,
  maxHi: number,
): void {
  const bits = bitLength(minLo ^ maxLo, minHi ^ maxHi);
  if (bits > 63) {
    tnumIntersect(r, at, 0, 0, -1, -1);
    return;
  }
  const lo = bits >= 32 ? -1 : (1 << bits) - 1;
  const hi = bits > 32 ? (1 << (bits - 32)) - 1 : 0;
  tnumIntersect(r, at, minLo & ~lo, minHi & ~hi, lo, hi);
}

/** The same for the lower half, by a range of u32; the upper half stays. */
export function tnumIntersectRange32(r: Int32Array, at: number, min: number, max: number): void {
  const bits = 32 - Math.clz32(min ^ max);
  const mask = bits >= 32 ? -1 : (1 << bits) - 1;
  const unknown = r[at + MASK]! & mask;
  r[at + VALUE] = (r[at + VALUE]! | (min & ~mask)) & ~unknown;
  r[at + MASK] = unknown;
}
