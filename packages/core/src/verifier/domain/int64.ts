/**
 * 64-bit arithmetic on pairs of int32 (`lo`, `hi`): what JavaScript engines keep in machine registers, where BigInt
 * allocates. A function that yields one half is named after it; the caller asks for both where it needs both.
 */

/** Unsigned `a < b`. */
export function ltUnsigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi === bhi ? alo >>> 0 < blo >>> 0 : ahi >>> 0 < bhi >>> 0;
}

/** Signed `a < b`. */
export function ltSigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  return ahi === bhi ? alo >>> 0 < blo >>> 0 : ahi < bhi;
}

/** Upper half of `a + b`; the lower one is `(alo + blo) | 0`. */
export function addHigh(alo: number, ahi: number, blo: number, bhi: number): number {
  const lo = (alo + blo) | 0;
  return (ahi + bhi + (lo >>> 0 < alo >>> 0 ? 1 : 0)) | 0;
}

/** Upper half of `a - b`; the lower one is `(alo - blo) | 0`. */
export function subHigh(alo: number, ahi: number, blo: number, bhi: number): number {
  return (ahi - bhi - (alo >>> 0 < blo >>> 0 ? 1 : 0)) | 0;
}

/** Halves of `a << n`, `n` from 0 to 63. */
export function shlLow(lo: number, n: number): number {
  return n >= 32 ? 0 : lo << n;
}
export function shlHigh(lo: number, hi: number, n: number): number {
  if (n === 0) return hi;
  return n >= 32 ? lo << (n - 32) : (hi << n) | (lo >>> (32 - n));
}

/** Halves of the unsigned `a >> n`, `n` from 0 to 63. */
export function shrLow(lo: number, hi: number, n: number): number {
  if (n === 0) return lo;
  return n >= 32 ? (hi >>> (n - 32)) | 0 : (lo >>> n) | (hi << (32 - n));
}
export function shrHigh(hi: number, n: number): number {
  return n >= 32 ? 0 : (hi >>> n) | 0;
}

/** Halves of the signed `a >> n`, `n` from 0 to 63. */
export function sarLow(lo: number, hi: number, n: number): number {
  if (n === 0) return lo;
  return n >= 32 ? hi >> (n - 32) : (lo >>> n) | (hi << (32 - n));
}
export function sarHigh(hi: number, n: number): number {
  return n >= 32 ? hi >> 31 : hi >> n;
}

/** Number of the highest bit set, from 1; 0 for 0. */
export function bitLength(lo: number, hi: number): number {
  return hi !== 0 ? 64 - Math.clz32(hi) : 32 - Math.clz32(lo);
}

/** Upper 32 bits of the 64-bit product of two u32, as an int32. */
export function mulHigh32(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16);
  const cross = al * bh + (middle & 0xffff);
  return (ah * bh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) | 0;
}

/** Upper half of the low 64 bits of `a * b`; the lower one is `Math.imul(alo, blo)`. */
export function mulHigh(alo: number, ahi: number, blo: number, bhi: number): number {
  return (mulHigh32(alo, blo) + Math.imul(alo, bhi) + Math.imul(ahi, blo)) | 0;
}

/** Does `a * b` of two u64 exceed 64 bits? */
export function mulOverflowsUnsigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  if (ahi === 0 && bhi === 0) return false;
  if (ahi !== 0 && bhi !== 0) return true;
  const cross = ahi !== 0 ? (ahi >>> 0) * (blo >>> 0) : (bhi >>> 0) * (alo >>> 0);
  return cross + (mulHigh32(alo, blo) >>> 0) > 0xffffffff;
}

/** Does `a * b` of two s64 leave the signed range? */
export function mulOverflowsSigned(alo: number, ahi: number, blo: number, bhi: number): boolean {
  const negative = ahi < 0 !== bhi < 0;
  const xlo = ahi < 0 ? -alo | 0 : alo;
  const xhi = ahi < 0 ? subHigh(0, 0, alo, ahi) : ahi;
  const ylo = bhi < 0 ? -blo | 0 : blo;
  const yhi = bhi < 0 ? subHigh(0, 0, blo, bhi) : bhi;
  if (mulOverflowsUnsigned(xlo, xhi, ylo, yhi)) return true;
  const hi = mulHigh(xlo, xhi, ylo, yhi);
  if (hi >= 0) return false;
  return !(negative && hi === -0x80000000 && Math.imul(xlo, ylo) === 0);
}

/** The value as a number where it is exact, for places that print or compare small values. */
export function toSignedNumber(lo: number, hi: number): number {
  return hi * 0x1_0000_0000 + (lo >>> 0);
}
