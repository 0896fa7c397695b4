import type { Analysis } from "./analysis.js";
import { setKnown } from "./domain/arithmetic.js";
import { bitLength, toSignedNumber } from "./domain/int64.js";
import { clearRegister, equalsSmall, ID, isConstant, OFF, PRECISE, registerAt, TYPE, UMAX } from "./domain/register.js";
import { ADD_CONSTANT } from "./linked.js";
import { NOT_INIT, SCALAR } from "./pointer-types.js";
import { FP } from "./state.js";

/** The program reads a register. */
export function requireReadable(analysis: Analysis, register: number): void {
  if (register > FP) analysis.invalid("malformed", `R${register} is invalid`);
  analysis.touchRegister(register);
  if (analysis.frame.records[registerAt(register) + TYPE] === NOT_INIT) {
    analysis.deny("uninitialized", `R${register} !read_ok`);
  }
}

/** The program writes a register; the caller says what. */
export function requireWritable(analysis: Analysis, register: number): void {
  if (register > FP) analysis.invalid("malformed", `R${register} is invalid`);
  analysis.touchRegister(register);
  if (register === FP) analysis.deny("frame_pointer", "frame pointer is read only");
}

/** A scalar of which nothing is known. Without CAP_BPF every scalar counts as precise. */
export function setUnknownScalar(analysis: Analysis, r: Int32Array, at: number): void {
  clearRegister(r, at);
  r[at + TYPE] = SCALAR;
  r[at + PRECISE] = analysis.hasBpf ? 0 : 1;
}

/** The scalar 0. */
export function setZeroScalar(analysis: Analysis, r: Int32Array, at: number): void {
  setUnknownScalar(analysis, r, at);
  setKnown(r, at, 0, 0);
}

/** A pointer of the type, at its start. */
export function setPointer(r: Int32Array, at: number, type: number): void {
  clearRegister(r, at);
  setKnown(r, at, 0, 0);
  r[at + TYPE] = type;
}

export function isScalar(r: Int32Array, at: number): boolean {
  return r[at + TYPE] === SCALAR;
}

/** The scalar 0, which also stands for a null pointer. */
export function isNull(r: Int32Array, at: number): boolean {
  return r[at + TYPE] === SCALAR && equalsSmall(r, at, 0);
}

/** Must the register's value be kept from the program? */
export function hidesValue(analysis: Analysis, register: number): boolean {
  return analysis.hidesPointers() && analysis.frame.records[registerAt(register) + TYPE] !== SCALAR;
}

/** Bits that the value can take, as an unsigned number. */
export function valueWidth(r: Int32Array, at: number): number {
  return bitLength(r[at + UMAX]!, r[at + UMAX + 1]!);
}

/** A bound as a number; large ones are rounded, but stay large. */
export function boundNumber(r: Int32Array, at: number): number {
  return toSignedNumber(r[at]!, r[at + 1]!);
}

/** A u64 bound as a number; large ones are rounded, but stay large. */
export function unsignedNumber(r: Int32Array, at: number): number {
  return (r[at + 1]! >>> 0) * 0x1_0000_0000 + (r[at]! >>> 0);
}

/** The scalar has nothing to do with any other any more, nor a distance from it. */
export function unlink(r: Int32Array, at: number): void {
  r[at + ID] = 0;
  r[at + OFF] = 0;
}

/** Before a scalar is copied: gives it an id that the copy will share, so that branches narrow both. */
export function linkBeforeCopy(analysis: Analysis, r: Int32Array, at: number): void {
  if (r[at + TYPE] !== SCALAR) return;
  if ((r[at + ID]! & ADD_CONSTANT) !== 0) unlink(r, at);
  if (r[at + ID] === 0 && !isConstant(r, at)) r[at + ID] = analysis.freshId();
}
