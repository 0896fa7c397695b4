// Sequence numbers are 32 bits and wrap around (RFC 9293 section 3.4): they are compared by the sign of their distance.

/** Is `a` before `b`? */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** The later of two. */
export function later(a: number, b: number): number {
  return isBefore(a, b) ? b : a;
}

/** `sequence` moved on by `count`, as a u32. */
export function advance(sequence: number, count: number): number {
  return (sequence + count) >>> 0;
}

/** From `from` up to `to`, which is not before it. */
export function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
