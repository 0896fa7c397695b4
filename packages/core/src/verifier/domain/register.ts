/**
 * What the verifier knows of one register or one stack slot: a record of {@link REGISTER_WORDS} int32 in a typed array.
 * A function that works on a record takes the array and the index of the record's first word. 64-bit values take two
 * words, the lower half first.
 *
 * Words up to {@link ID} are the value itself: two registers with equal words there hold the same set of values.
 */

/** A {@link kinds} number with flags above it; see `pointer-types.ts`. */
export const TYPE = 0;
/** Bytes added to a pointer so far that are known; a linked scalar's distance from its partner. */
export const OFF = 1;
/** By type: bytes known to be readable behind a packet pointer, size of a memory region, BTF type, subprogram. */
export const AUX = 2;
/** By type: index of the map (plus 1), or of the BTF that {@link AUX} is a type of. */
export const OBJECT = 3;
/** Tells pointers into different inner maps of one map of maps apart. */
export const MAP_UID = 4;
/** Tristate number: known bits. For pointers, of the offset that isn't known. */
export const VALUE = 5;
/** Tristate number: 1 where a bit isn't known. */
export const MASK = 7;
export const SMIN = 9;
export const SMAX = 11;
export const UMIN = 13;
export const UMAX = 15;
export const S32_MIN = 17;
export const S32_MAX = 18;
export const U32_MIN = 19;
export const U32_MAX = 20;
/** Registers with one id hold the same value, or pointers of one origin. */
export const ID = 21;
/** The acquired reference that the pointer stands for. */
export const REF = 22;
/** Frame that a stack pointer points into. */
export const FRAME = 23;
/** 1 where the scalar's exact value mattered to some check. */
export const PRECISE = 24;
/** Of a stack slot: what its 8 bytes hold, 4 bits each, byte 0 being the one at the highest address. */
export const BYTES = 25;

export const REGISTER_WORDS = 26;

/** First word of a stack slot's record in a frame: they follow the eleven registers. */
export function slotAt(slot: number): number {
  return (11 + slot) * REGISTER_WORDS;
}

/** First word of a register's record in a frame. */
export function registerAt(register: number): number {
  return register * REGISTER_WORDS;
}

/** Copies all but {@link BYTES}. */
export function copyRegister(to: Int32Array, at: number, from: Int32Array, source: number): void {
  for (let i = 0; i < BYTES; i++) to[at + i] = from[source + i]!;
}

/** Forgets everything, {@link BYTES} excepted: the record of a register that was never written. */
export function clearRegister(r: Int32Array, at: number): void {
  r.fill(0, at, at + BYTES);
  setUnbounded(r, at);
  r[at + MASK] = -1;
  r[at + MASK + 1] = -1;
}

export function setUnbounded(r: Int32Array, at: number): void {
  setUnbounded64(r, at);
  setUnbounded32(r, at);
}

export function setUnbounded64(r: Int32Array, at: number): void {
  r[at + SMIN] = 0;
  r[at + SMIN + 1] = -0x80000000;
  r[at + SMAX] = -1;
  r[at + SMAX + 1] = 0x7fffffff;
  r[at + UMIN] = 0;
  r[at + UMIN + 1] = 0;
  r[at + UMAX] = -1;
  r[at + UMAX + 1] = -1;
}

export function setUnbounded32(r: Int32Array, at: number): void {
  r[at + S32_MIN] = -0x80000000;
  r[at + S32_MAX] = 0x7fffffff;
  r[at + U32_MIN] = 0;
  r[at + U32_MAX] = -1;
}

/** Bounds and tristate number of one known value; type, ids and offset are left alone. */
export function setValue(r: Int32Array, at: number, lo: number, hi: number): void {
  r[at + VALUE] = lo;
  r[at + VALUE + 1] = hi;
  r[at + MASK] = 0;
  r[at + MASK + 1] = 0;
  r[at + SMIN] = lo;
  r[at + SMIN + 1] = hi;
  r[at + SMAX] = lo;
  r[at + SMAX + 1] = hi;
  r[at + UMIN] = lo;
  r[at + UMIN + 1] = hi;
  r[at + UMAX] = lo;
  r[at + UMAX + 1] = hi;
  setValue32Bounds(r, at, lo);
}

export function setValue32Bounds(r: Int32Array, at: number, lo: number): void {
  r[at + S32_MIN] = lo;
  r[at + S32_MAX] = lo;
  r[at + U32_MIN] = lo;
  r[at + U32_MAX] = lo;
}

/** Is every bit known? */
export function isConstant(r: Int32Array, at: number): boolean {
  return (r[at + MASK]! | r[at + MASK + 1]!) === 0;
}

/** Are the lower 32 bits known? */
export function isConstant32(r: Int32Array, at: number): boolean {
  return r[at + MASK] === 0;
}

/** Is the value known to be `lo`, a small non-negative number? */
export function equalsSmall(r: Int32Array, at: number, lo: number): boolean {
  return isConstant(r, at) && r[at + VALUE] === lo && r[at + VALUE + 1] === 0;
}
