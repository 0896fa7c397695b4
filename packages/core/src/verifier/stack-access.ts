import { BPF_ST } from "../isa/index.js";
import { NO_SPECULATION_AFTER } from "./analysis.js";
import { setKnown } from "./domain/arithmetic.js";
import { copyRegister, FRAME, isConstant, registerAt, SMAX, SMIN, slotAt, TYPE, VALUE } from "./domain/register.js";
import { destroyDynptrAt } from "./dynptr-slots.js";
import { checkFastcallContract } from "./fastcall.js";
import { MAX_VARIABLE_OFFSET } from "./memory-region.js";
import { isSpillable, NOT_INIT, SCALAR, STACK } from "./pointer-types.js";
import { stackHistory } from "./precision.js";
import { printTnum } from "./print-state.js";
import {
  boundNumber,
  isNull,
  linkBeforeCopy,
  setUnknownScalar,
  setZeroScalar,
  unlink,
  valueWidth,
} from "./registers.js";
import { logLine } from "./source-lines.js";
import {
  BYTE_DYNPTR,
  BYTE_INVALID,
  BYTE_IRQ_FLAG,
  BYTE_ITER,
  BYTE_MISC,
  BYTE_SPILL,
  BYTE_ZERO,
  type Frame,
  MAX_STACK,
} from "./state.js";
import type { Walk } from "./walk.js";

/** The stack slot of an offset from the frame pointer (-1 to -512). */
export function slotOfOffset(offset: number): number {
  return (-offset - 1) >> 3;
}

/** The byte of its slot that an offset from the frame pointer means. */
function byteOfOffset(offset: number): number {
  return (-offset - 1) & 7;
}

/** The frame that a stack pointer in a register of the current frame points into. */
export function pointedFrame(walk: Walk, register: number): Frame {
  const { state, frame } = walk.analysis;
  return state.frames[frame.records[registerAt(register) + FRAME]!]!;
}

/**
 * The access has to lie within the 512 bytes of the frame, wherever the variable part of the pointer points. Allocates
 * the stack down to it.
 */
export function checkStackBounds(walk: Walk, register: number, offset: number, size: number, write: boolean): void {
  const { analysis } = walk;
  const r = analysis.frame.records;
  const at = registerAt(register);
  const frame = pointedFrame(walk, register);
  const what = write ? " write to" : " read from";
  const fixed = isConstant(r, at);
  const smin = boundNumber(r, at + SMIN);
  const smax = boundNumber(r, at + SMAX);
  if (!fixed && (smax >= MAX_VARIABLE_OFFSET || smin <= -MAX_VARIABLE_OFFSET)) {
    analysis.deny("stack_access", `invalid unbounded variable-offset${what} stack R${register}`);
  }
  const lowest = (fixed ? boundNumber(r, at + VALUE) : smin) + offset;
  const end = (fixed ? boundNumber(r, at + VALUE) : smax) + offset + size;
  const floor = write || analysis.hasPerfmon ? -MAX_STACK : -8 * frame.slots;
  if (lowest < floor || lowest > -1 || end > 0 || size < 0) {
    const where = fixed
      ? `invalid${what} stack R${register} off=${offset} size=${size}`
      : `invalid variable-offset${what} stack R${register} var_off=${printTnum(r, at)} off=${offset} size=${size}`;
    if (lowest < floor || lowest > -1) analysis.deny("stack_access", where);
    analysis.invalid("stack_access", where);
  }
  growStack(walk, frame, -lowest);
}

/** Allocates at least `size` bytes of a frame's stack. */
export function growStack(walk: Walk, frame: Frame, size: number): void {
  const slots = (size + 7) >> 3;
  if (slots <= frame.slots) return;
  walk.analysis.pool.grow(frame, slots);
  const subprogram = walk.analysis.subprograms[frame.subprogram]!;
  subprogram.stackDepth = Math.max(subprogram.stackDepth, slots * 8);
}

/** A byte of a slot whose spilled register is gone. */
function scrubByte(frame: Frame, slot: number, index: number): void {
  if (frame.byte(slot, index) !== BYTE_INVALID) frame.setByte(slot, index, BYTE_MISC);
}

function holdsObject(frame: Frame, slot: number): boolean {
  const kind = frame.byte(slot, 7);
  return kind === BYTE_SPILL || kind === BYTE_DYNPTR || kind === BYTE_ITER || kind === BYTE_IRQ_FLAG;
}

/** Stores `size` bytes of a register (or, without one, of the instruction's immediate) at a known place. */
export function writeStackAt(walk: Walk, frame: Frame, offset: number, size: number, value: number): void {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  const r = analysis.frame.records;
  const at = value >= 0 ? registerAt(value) : -1;
  if (analysis.hidesPointers() && frame.holdsSpill(slot) && !frame.holdsScalarSpill(slot) && size !== 8) {
    analysis.deny("pointer_leak", "attempt to corrupt spilled pointer on stack");
  }
  if (analysis.speculates && mayBeOvertaken(frame, offset, size, at < 0 ? NOT_INIT : r[at + TYPE]!)) {
    analysis.points[analysis.slot] = analysis.points[analysis.slot]! | NO_SPECULATION_AFTER;
  }
  destroyDynptrAt(walk, frame, slot);
  const aligned = offset % 8 === 0;
  if (aligned && size === 8) walk.liveness.write(frame.number, slot);
  checkFastcallContract(analysis, frame, offset);
  analysis.touchSlot(slot);
  const immediate = value < 0 && isImmediateStore(walk);
  if (at >= 0 && aligned && r[at + TYPE] === SCALAR && analysis.hasBpf) {
    const fits = valueWidth(r, at) <= size * 8;
    if (fits) linkBeforeCopy(analysis, r, at);
    spill(frame, slot, r, at, size);
    if (!fits) unlink(frame.records, slotAt(slot));
  } else if (immediate && aligned && analysis.hasBpf) {
    spillImmediate(walk, frame, slot, size);
  } else if (at >= 0 && isSpillable(r[at + TYPE]!)) {
    if (size !== 8) {
      logLine(analysis, analysis.slot, "; ");
      analysis.deny("stack_access", "invalid size of register spill");
    }
    if (frame !== analysis.frame && r[at + TYPE] === STACK) {
      analysis.invalid("stack_access", "cannot spill pointers to stack into stack frame of the caller");
    }
    spill(frame, slot, r, at, size);
  } else {
    writeData(walk, frame, offset, size, value, immediate);
    return;
  }
  analysis.pushHistory(analysis.state, stackHistory(frame.number, slot), 0);
}

/**
 * A CPU may load from the slot before the store is done, and see what was there (Spectre v4): a barrier has to follow
 * where that was a pointer, or one is stored.
 */
function mayBeOvertaken(frame: Frame, offset: number, size: number, stored: number): boolean {
  if (isSpillable(stored)) return true;
  for (let i = 0; i < size; i++) {
    const kind = frame.byte(slotOfOffset(offset), byteOfOffset(offset + i));
    if (kind !== BYTE_MISC && kind !== BYTE_ZERO) return true;
  }
  return false;
}

function isImmediateStore(walk: Walk): boolean {
  const { insns, slot } = walk.analysis;
  return (insns.opcode[slot]! & 0xe7) === (0x60 | BPF_ST);
}

function spill(frame: Frame, slot: number, r: Int32Array, at: number, size: number): void {
  copyRegister(frame.records, slotAt(slot), r, at);
  for (let i = 7; i > 7 - size; i--) frame.setByte(slot, i, BYTE_SPILL);
  for (let i = 7 - size; i >= 0; i--) markMisc(frame, slot, i);
}

/** Bytes above a narrow spill: whatever was there is data now, but for zeros and what nobody wrote. */
function markMisc(frame: Frame, slot: number, index: number): void {
  const kind = frame.byte(slot, index);
  if (kind === BYTE_ZERO || kind === BYTE_MISC || kind === BYTE_INVALID) return;
  frame.setByte(slot, index, BYTE_MISC);
}

function spillImmediate(walk: Walk, frame: Frame, slot: number, size: number): void {
  const { analysis } = walk;
  const at = slotAt(slot);
  const imm = analysis.insns.imm[analysis.slot]!;
  setUnknownScalar(analysis, frame.records, at);
  setKnown(frame.records, at, imm, imm >> 31);
  for (let i = 7; i > 7 - size; i--) frame.setByte(slot, i, BYTE_SPILL);
  for (let i = 7 - size; i >= 0; i--) markMisc(frame, slot, i);
}

function writeData(walk: Walk, frame: Frame, offset: number, size: number, value: number, immediate: boolean): void {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  frame.records[slotAt(slot) + TYPE] = NOT_INIT;
  if (holdsObject(frame, slot)) {
    for (let i = 0; i < 8; i++) scrubByte(frame, slot, i);
  }
  const zeroRegister = value >= 0 && isNull(analysis.frame.records, registerAt(value));
  const zero = zeroRegister || (immediate && analysis.insns.imm[analysis.slot] === 0);
  if (zeroRegister) walk.precision.mark(value);
  const kind = zero ? BYTE_ZERO : BYTE_MISC;
  for (let i = 0; i < size; i++) frame.setByte(slot, byteOfOffset(offset + i), kind);
}

/** Stores through a pointer with a variable part: any of the bytes in its range may be the ones written. */
export function writeStackAnywhere(walk: Walk, register: number, offset: number, size: number, value: number): void {
  const { analysis } = walk;
  const r = analysis.frame.records;
  const at = registerAt(register);
  const frame = pointedFrame(walk, register);
  const start = boundNumber(r, at + SMIN) + offset;
  const end = boundNumber(r, at + SMAX) + offset + size;
  const zeroRegister = value >= 0 && isNull(r, registerAt(value));
  const zero = zeroRegister || (value < 0 && isImmediateStore(walk) && analysis.insns.imm[analysis.slot] === 0);
  for (let i = start; i < end; i++) destroyDynptrAt(walk, frame, slotOfOffset(i));
  checkFastcallContract(analysis, frame, start);
  let zeroUsed = false;
  for (let i = start; i < end; i++) {
    if (writeByteMaybe(walk, frame, i, zero)) zeroUsed = true;
  }
  if (zeroUsed && value >= 0) walk.precision.mark(value);
}

/** One byte that may be written; true where it stays zero because a zero is what is written. */
function writeByteMaybe(walk: Walk, frame: Frame, offset: number, zero: boolean): boolean {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  const index = byteOfOffset(offset);
  const kind = frame.byte(slot, index);
  analysis.touchSlot(slot);
  if (analysis.hidesPointers() && kind !== BYTE_MISC && kind !== BYTE_ZERO) {
    analysis.invalid(
      "pointer_leak",
      `spilled ptr in range of var-offset stack write; insn ${analysis.slot}, ptr off: ${offset}`,
    );
  }
  const at = slotAt(slot);
  if (zero && kind === BYTE_SPILL && frame.holdsScalarSpill(slot) && isNull(frame.records, at)) return true;
  if (frame.holdsSpill(slot)) {
    for (let i = 0; i < 8; i++) if (frame.byte(slot, i) === BYTE_SPILL) frame.setByte(slot, i, BYTE_MISC);
  }
  frame.records[at + TYPE] = NOT_INIT;
  if (kind === BYTE_INVALID && !analysis.hasPerfmon) {
    analysis.invalid(
      "stack_access",
      `uninit stack in range of var-offset write prohibited for !root; insn ${analysis.slot}, off: ${offset}`,
    );
  }
  const staysZero = zero && kind === BYTE_ZERO;
  frame.setByte(slot, index, staysZero ? BYTE_ZERO : BYTE_MISC);
  return staysZero;
}

/** Loads `size` bytes from a known place into a register (-1: into nothing that the program sees). */
export function readStackAt(walk: Walk, frame: Frame, offset: number, size: number, into: number): void {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  analysis.touchSlot(slot);
  checkFastcallContract(analysis, analysis.frame, offset);
  walk.liveness.read(frame.number, slot);
  if (!frame.holdsSpill(slot)) {
    requireInitialized(walk, frame, offset, size);
    if (into >= 0) loadBytes(walk, frame, offset, offset + size, into);
    return;
  }
  const at = slotAt(slot);
  const stored = spilledSize(frame, slot);
  let fromRegister = true;
  if (size !== 8 || stored !== 8) {
    if (frame.records[at + TYPE] !== SCALAR) {
      logLine(analysis, analysis.slot, "; ");
      analysis.deny("stack_access", "invalid size of register fill");
    }
    if (into < 0) return;
    fromRegister = fillPart(walk, frame, offset, size, stored, into);
  } else if (into >= 0) {
    if (analysis.hasBpf) linkBeforeCopy(analysis, frame.records, at);
    copyRegister(analysis.frame.records, registerAt(into), frame.records, at);
  } else if (analysis.hidesPointers() && frame.records[at + TYPE] !== SCALAR) {
    analysis.deny("pointer_leak", `leaking pointer from stack off ${offset}`);
  }
  if (fromRegister) analysis.pushHistory(analysis.state, stackHistory(frame.number, slot), 0);
}

/** Bytes of the register that is stored in a slot. */
function spilledSize(frame: Frame, slot: number): number {
  let size = 1;
  while (size < 8 && frame.byte(slot, 7 - size) === BYTE_SPILL) size++;
  return size;
}

/** A load of part of a slot with a scalar in it; true where the scalar's value went into the register. */
function fillPart(walk: Walk, frame: Frame, offset: number, size: number, stored: number, into: number): boolean {
  const { analysis } = walk;
  const at = slotAt(slotOfOffset(offset));
  const { records } = frame;
  const to = analysis.frame.records;
  const target = registerAt(into);
  // Little-endian: a narrow load of the lower bytes starts where the slot does.
  if (size <= stored && offset % 8 === 0) {
    if (analysis.hasBpf && size === 4 && stored === 4 && valueWidth(records, at) <= 32) {
      linkBeforeCopy(analysis, records, at);
    }
    copyRegister(to, target, records, at);
    if (valueWidth(records, at) > size * 8) unlink(to, target);
    return true;
  }
  const { spilled, zeros } = requireInitialized(walk, frame, offset, size);
  if (spilled === size && isNull(records, at)) {
    setZeroScalar(analysis, to, target);
    return true;
  }
  if (zeros === size) setZeroScalar(analysis, to, target);
  else setUnknownScalar(analysis, to, target);
  return false;
}

/** Every byte read was written before; counts those of a spilled register and those known to be zero. */
function requireInitialized(
  walk: Walk,
  frame: Frame,
  offset: number,
  size: number,
): { spilled: number; zeros: number } {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  const spillCounts = frame.holdsSpill(slot);
  let spilled = 0;
  let zeros = 0;
  for (let i = 0; i < size; i++) {
    const kind = frame.byte(slot, byteOfOffset(offset + i));
    if (kind === BYTE_MISC || (kind === BYTE_INVALID && analysis.hasPerfmon)) continue;
    if (kind === BYTE_ZERO) zeros++;
    else if (kind === BYTE_SPILL && spillCounts) spilled++;
    else analysis.deny("stack_access", `invalid read from stack off ${offset}+${i} size ${size}`);
  }
  return { spilled, zeros };
}

/** What bytes without a register in them load as: 0 where all are zero. */
function loadBytes(walk: Walk, frame: Frame, start: number, end: number, into: number): void {
  const { analysis } = walk;
  let zero = true;
  for (let i = start; i < end && zero; i++) {
    analysis.touchSlot(slotOfOffset(i));
    zero = frame.byte(slotOfOffset(i), byteOfOffset(i)) === BYTE_ZERO;
  }
  const { records } = analysis.frame;
  if (zero) setZeroScalar(analysis, records, registerAt(into));
  else setUnknownScalar(analysis, records, registerAt(into));
}

/** Where a call's argument points to memory that the call fills without reading it. */
export interface RawAccess {
  register: number;
  size: number;
}

/**
 * A call, or a load through a pointer with a variable part, may read or write `size` bytes: they have to be initialized
 * (unless `raw` takes note of them to be overwritten), and hold no pointer that must not be seen.
 */
export function checkStackRange(
  walk: Walk,
  register: number,
  offset: number,
  size: number,
  zeroSizeAllowed: boolean,
  write: boolean,
  raw: RawAccess | undefined,
): void {
  const { analysis } = walk;
  const r = analysis.frame.records;
  const at = registerAt(register);
  if (size === 0 && !zeroSizeAllowed) analysis.deny("stack_access", "invalid zero-sized read");
  checkStackBounds(walk, register, offset, size, write);
  const fixed = isConstant(r, at);
  if (!fixed && analysis.speculates) {
    analysis.deny(
      "stack_access",
      `R${register} variable offset stack access prohibited for !root, var_off=${printTnum(r, at)}`,
    );
  }
  const frame = pointedFrame(walk, register);
  const start = (fixed ? boundNumber(r, at + VALUE) : boundNumber(r, at + SMIN)) + offset;
  const end = (fixed ? boundNumber(r, at + VALUE) : boundNumber(r, at + SMAX)) + offset + size;
  if (raw !== undefined && fixed) {
    requireNoDynptr(walk, frame, start, end);
    raw.register = register;
    raw.size = size;
    return;
  }
  for (let i = start; i < end; i++) touchByte(walk, frame, i, start, register, size, write);
}

function requireNoDynptr(walk: Walk, frame: Frame, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    const slot = slotOfOffset(i);
    if (slot >= frame.slots || frame.byte(slot, byteOfOffset(i)) !== BYTE_DYNPTR) continue;
    walk.analysis.deny("stack_access", `potential write to dynptr at off=${i} disallowed`);
  }
}

function touchByte(
  walk: Walk,
  frame: Frame,
  offset: number,
  start: number,
  register: number,
  size: number,
  write: boolean,
): void {
  const { analysis } = walk;
  const slot = slotOfOffset(offset);
  const index = byteOfOffset(offset);
  const kind = frame.byte(slot, index);
  const at = slotAt(slot);
  if (kind === BYTE_ZERO || (kind === BYTE_INVALID && analysis.hasPerfmon)) {
    if (write) frame.setByte(slot, index, BYTE_MISC);
  } else if (kind !== BYTE_MISC) {
    if (!frame.holdsSpill(slot) || (frame.records[at + TYPE] !== SCALAR && analysis.hidesPointers())) {
      denyRead(walk, register, offset, start, size);
    }
    if (write) {
      setUnknownScalar(analysis, frame.records, at);
      for (let i = 0; i < 8; i++) scrubByte(frame, slot, i);
    }
  }
  walk.liveness.read(frame.number, slot);
}

function denyRead(walk: Walk, register: number, offset: number, start: number, size: number): never {
  const { analysis } = walk;
  const r = analysis.frame.records;
  const at = registerAt(register);
  return analysis.deny(
    "stack_access",
    isConstant(r, at)
      ? `invalid read from stack R${register} off ${start}+${offset - start} size ${size}`
      : `invalid read from stack R${register} var_off ${printTnum(r, at)}+${offset - start} size ${size}`,
  );
}

/** A load or store through a stack pointer. `offset` includes the pointer's known part. */
export function accessStack(
  walk: Walk,
  register: number,
  offset: number,
  size: number,
  write: boolean,
  value: number,
): void {
  const { analysis } = walk;
  checkStackBounds(walk, register, offset, size, write);
  const r = analysis.frame.records;
  const at = registerAt(register);
  const frame = pointedFrame(walk, register);
  if (isConstant(r, at)) {
    const place = offset + r[at + VALUE]!;
    if (write) writeStackAt(walk, frame, place, size, value);
    else readStackAt(walk, frame, place, size, value);
    return;
  }
  if (write) {
    writeStackAnywhere(walk, register, offset, size, value);
    return;
  }
  if (value < 0) {
    analysis.deny(
      "stack_access",
      `variable offset stack pointer cannot be passed into helper function; var_off=${printTnum(r, at)} off=${offset} size=${size}`,
    );
  }
  const start = boundNumber(r, at + SMIN) + offset;
  const end = boundNumber(r, at + SMAX) + offset + size;
  checkStackRange(walk, register, offset, size, false, false, undefined);
  loadBytes(walk, frame, start, end, value);
  checkFastcallContract(analysis, frame, start);
}
