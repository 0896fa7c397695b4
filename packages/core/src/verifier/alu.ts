import { BPF_ALU64 } from "../isa/index.js";
import {
  ADD,
  AND,
  ARSH,
  applyByteSwap,
  applyScalarOperation,
  DIV,
  END,
  LSH,
  MOD,
  MOV,
  NEG,
  OR,
  RSH,
  SUB,
  setKnown,
  signExtend32,
  signExtend64,
} from "./domain/arithmetic.js";
import { repairBounds, syncBounds, zeroExtend32 } from "./domain/bounds.js";
import {
  copyRegister,
  ID,
  isConstant,
  isConstant32,
  OFF,
  PRECISE,
  REGISTER_WORDS,
  registerAt,
  S32_MAX,
  S32_MIN,
  SMAX,
  SMIN,
  setValue32Bounds,
  TYPE,
  UMAX,
  VALUE,
} from "./domain/register.js";
import { ADD_CONSTANT, ADD_CONSTANT_32, ADD_CONSTANT_64 } from "./linked.js";
import { pushPath } from "./pending.js";
import { addToPointer, operationSign } from "./pointer-arithmetic.js";
import { ARENA, SCALAR } from "./pointer-types.js";
import {
  hidesValue,
  linkBeforeCopy,
  requireReadable,
  requireWritable,
  setUnknownScalar,
  unlink,
  unsignedNumber,
  valueWidth,
} from "./registers.js";
import type { Walk } from "./walk.js";

const ADDRESS_SPACE_CAST = 1;

/** One arithmetic instruction (RFC 9669 section 4.1). */
export function stepAlu(walk: Walk): void {
  const { insns, slot, frame } = walk.analysis;
  const operation = insns.opcode[slot]! & 0xf0;
  if (operation === END || operation === NEG) stepUnary(walk, operation);
  else if (operation === MOV) stepMove(walk);
  else stepBinary(walk, operation);
  repairBounds(frame.records, registerAt(insns.dst[slot]!));
}

function stepUnary(walk: Walk, operation: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const dst = insns.dst[slot]!;
  const imm = insns.imm[slot]!;
  const is64 = (opcode & 7) === BPF_ALU64;
  const unused = insns.src[slot]! | insns.offset[slot]!;
  if (operation === NEG) {
    if ((opcode & 8) !== 0 || unused !== 0 || imm !== 0) {
      analysis.invalid("malformed", "BPF_NEG uses reserved fields");
    }
  } else if (unused !== 0 || (imm !== 16 && imm !== 32 && imm !== 64) || (is64 && (opcode & 8) !== 0)) {
    analysis.invalid("malformed", "BPF_END uses reserved fields");
  }
  requireReadable(analysis, dst);
  if (hidesValue(analysis, dst)) {
    analysis.deny("pointer_arithmetic", `R${dst} pointer arithmetic prohibited`);
  }
  requireWritable(analysis, dst);
  const { records } = analysis.frame;
  const at = registerAt(dst);
  if (records[at + TYPE] !== SCALAR) {
    setUnknownScalar(analysis, records, at);
    return;
  }
  if (operation === NEG) applyScalarOperation(NEG, !is64, records, at, records, at);
  else {
    const swaps = is64 || (opcode & 8) !== 0;
    applyByteSwap(records, at, imm, swaps);
    if (swaps || imm < 64) unlink(records, at);
  }
}

function checkMoveFields(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const offset = insns.offset[slot]!;
  const imm = insns.imm[slot]!;
  const is64 = (opcode & 7) === BPF_ALU64;
  const reserved = "BPF_MOV uses reserved fields";
  if ((opcode & 8) === 0) {
    if ((insns.src[slot]! | offset) !== 0) analysis.invalid("malformed", reserved);
  } else if (is64 && offset === ADDRESS_SPACE_CAST) {
    if (imm !== 1 && imm !== 1 << 16) {
      analysis.invalid("malformed", "addr_space_cast insn can only convert between address space 1 and 0");
    }
    if (!analysis.maps.some((map) => map.type === MAP_TYPE_ARENA)) {
      analysis.invalid("malformed", "addr_space_cast insn can only be used in a program that has an associated arena");
    }
  } else if (imm !== 0 || !(offset === 0 || offset === 8 || offset === 16 || (is64 && offset === 32))) {
    analysis.invalid("malformed", reserved);
  }
}

const MAP_TYPE_ARENA = 33;

function stepMove(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const is64 = (opcode & 7) === BPF_ALU64;
  const dst = insns.dst[slot]!;
  checkMoveFields(walk);
  if ((opcode & 8) !== 0) requireReadable(analysis, insns.src[slot]!);
  requireWritable(analysis, dst);
  const { records } = analysis.frame;
  const at = registerAt(dst);
  if ((opcode & 8) !== 0) {
    if (is64) moveRegister64(walk, at, insns.src[slot]!, insns.offset[slot]!);
    else moveRegister32(walk, at, insns.src[slot]!, insns.offset[slot]!);
    return;
  }
  const imm = insns.imm[slot]!;
  setUnknownScalar(analysis, records, at);
  setKnown(records, at, imm, is64 ? imm >> 31 : 0);
}

function moveRegister64(walk: Walk, at: number, src: number, offset: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const from = registerAt(src);
  const imm = analysis.insns.imm[analysis.slot]!;
  if (imm !== 0) {
    setUnknownScalar(analysis, records, at);
    if (imm === 1) records[at + TYPE] = ARENA;
    return;
  }
  if (offset === 0) {
    linkBeforeCopy(analysis, records, from);
    copyRegister(records, at, records, from);
    return;
  }
  if (hidesValue(analysis, src)) {
    analysis.deny("pointer_leak", `R${src} sign-extension part of pointer`);
  }
  if (records[from + TYPE] !== SCALAR) {
    setUnknownScalar(analysis, records, at);
    return;
  }
  copyNarrow(walk, at, from, unsignedNumber(records, from + UMAX) < 2 ** (offset - 1));
  signExtend64(records, at, offset);
}

/** Copies a scalar that the instruction may change: only where it can't do the two stay linked. */
function copyNarrow(walk: Walk, at: number, from: number, unchanged: boolean): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  if (unchanged) linkBeforeCopy(analysis, records, from);
  copyRegister(records, at, records, from);
  if (!unchanged) unlink(records, at);
}

function moveRegister32(walk: Walk, at: number, src: number, offset: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const from = registerAt(src);
  if (hidesValue(analysis, src)) analysis.deny("pointer_leak", `R${src} partial copy of pointer`);
  if (records[from + TYPE] !== SCALAR) setUnknownScalar(analysis, records, at);
  else if (offset === 0) copyNarrow(walk, at, from, valueWidth(records, from) <= 32);
  else {
    copyNarrow(walk, at, from, unsignedNumber(records, from + UMAX) < 2 ** (offset - 1));
    signExtend32(records, at, offset);
  }
  zeroExtend32(records, at);
  syncBounds(records, at);
}

const immediate = new Int32Array(REGISTER_WORDS);
const source = new Int32Array(REGISTER_WORDS);

function checkBinaryFields(walk: Walk, operation: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const offset = insns.offset[slot]!;
  const divides = operation === DIV || operation === MOD;
  const unused = (opcode & 8) !== 0 ? insns.imm[slot]! : insns.src[slot]!;
  if (unused !== 0 || (offset !== 0 && offset !== 1) || (offset === 1 && !divides)) {
    analysis.invalid("malformed", "BPF_ALU uses reserved fields");
  }
}

function checkImmediate(walk: Walk, operation: number): void {
  const { analysis } = walk;
  const imm = analysis.insns.imm[analysis.slot]!;
  if ((operation === DIV || operation === MOD) && imm === 0) analysis.invalid("arithmetic", "div by zero");
  if (operation !== LSH && operation !== RSH && operation !== ARSH) return;
  const width = (analysis.insns.opcode[analysis.slot]! & 7) === BPF_ALU64 ? 64 : 32;
  if (imm < 0 || imm >= width) analysis.invalid("arithmetic", `invalid shift ${imm}`);
}

function stepBinary(walk: Walk, operation: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const dst = insns.dst[slot]!;
  const fromRegister = (opcode & 8) !== 0;
  checkBinaryFields(walk, operation);
  if (fromRegister) requireReadable(analysis, insns.src[slot]!);
  requireReadable(analysis, dst);
  if (!fromRegister) checkImmediate(walk, operation);
  requireWritable(analysis, dst);
  const { records } = analysis.frame;
  const at = registerAt(dst);
  if (records[at + TYPE] === ARENA) return;
  if (fromRegister) applyRegister(walk, operation, at, insns.src[slot]!);
  else applyImmediate(walk, operation, at, insns.imm[slot]!);
}

function applyImmediate(walk: Walk, operation: number, at: number, imm: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const is64 = (analysis.insns.opcode[analysis.slot]! & 7) === BPF_ALU64;
  immediate[TYPE] = SCALAR;
  setKnown(immediate, 0, imm, imm >> 31);
  if (records[at + TYPE] !== SCALAR) {
    addToPointer(walk, operation, is64, at / REGISTER_WORDS, records, at, at, immediate, 0);
    return;
  }
  applyScalars(walk, operation, is64, at, immediate, 0);
}

function applyRegister(walk: Walk, operation: number, at: number, src: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const is64 = (analysis.insns.opcode[analysis.slot]! & 7) === BPF_ALU64;
  const from = registerAt(src);
  const dst = at / REGISTER_WORDS;
  const dstIsScalar = records[at + TYPE] === SCALAR;
  if (records[from + TYPE] !== SCALAR) {
    if (!dstIsScalar) {
      if (operation === SUB && analysis.hasPerfmon) {
        setUnknownScalar(analysis, records, at);
        return;
      }
      analysis.deny("pointer_arithmetic", `R${dst} pointer ${operationSign(operation)} pointer prohibited`);
    }
    walk.precision.mark(dst);
    addToPointer(walk, operation, is64, dst, records, at, from, records, at);
    return;
  }
  if (!dstIsScalar) {
    walk.precision.mark(src);
    addToPointer(walk, operation, is64, dst, records, at, at, records, from);
    return;
  }
  if (records[at + PRECISE] === 1) walk.precision.mark(src);
  applyScalars(walk, operation, is64, at, records, from);
}

function applyScalars(walk: Walk, operation: number, is64: boolean, at: number, s: Int32Array, from: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const umax = unsignedNumber(records, at + UMAX);
  // The source may be the destination, whose value changes half-way.
  copyRegister(source, 0, s, from);
  if (operation === ADD || operation === SUB) walk.masks.noteScalars(operation, at / REGISTER_WORDS);
  if ((operation === AND || operation === OR) && isConstant(source, 0)) forkBySign(walk, at);
  if (!applyScalarOperation(operation, !is64, records, at, source, 0)) {
    setUnknownScalar(analysis, records, at);
  }
  relink(walk, operation, is64, at, umax);
}

/**
 * A value that is 0 or -1 (a sign bit spread by a shift) is masked with a constant: the two cases are walked apart,
 * since compilers select between two constants that way.
 */
function forkBySign(walk: Walk, at: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const is64 =
    records[at + SMIN] === -1 &&
    records[at + SMIN + 1] === -1 &&
    records[at + SMAX] === 0 &&
    records[at + SMAX + 1] === 0;
  const is32 = records[at + S32_MIN] === -1 && records[at + S32_MAX] === 0;
  if (!is64 && !is32) return;
  const other = pushPath(analysis, analysis.slot, analysis.slot).frame.records;
  if (is64) {
    setKnown(other, at, 0, 0);
    setKnown(records, at, -1, -1);
  } else {
    setKnown32(other, at, 0);
    setKnown32(records, at, -1);
  }
}

function setKnown32(r: Int32Array, at: number, value: number): void {
  r[at + VALUE] = value;
  r[at + VALUE + 2] = 0;
  setValue32Bounds(r, at, value);
}

/** After adding a constant, a linked scalar stays linked at that distance; after anything else it is on its own. */
function relink(walk: Walk, operation: number, is64: boolean, at: number, umax: number): void {
  const { records } = walk.analysis.frame;
  const constant = is64 ? isConstant(source, 0) : isConstant32(source, 0);
  const applies = walk.analysis.hasBpf && (operation === ADD || operation === SUB) && constant;
  if (!applies || records[at + ID] === 0) {
    unlink(records, at);
    return;
  }
  const lo = source[VALUE]!;
  const fits = is64 ? source[VALUE + 1] === lo >> 31 : umax <= 0xffffffff;
  const distance = operation === SUB ? -lo : lo;
  if (!fits || distance !== (distance | 0) || (records[at + ID]! & ADD_CONSTANT) !== 0) {
    unlink(records, at);
    return;
  }
  records[at + ID] = records[at + ID]! | (is64 ? ADD_CONSTANT_64 : ADD_CONSTANT_32);
  records[at + OFF] = distance;
}
