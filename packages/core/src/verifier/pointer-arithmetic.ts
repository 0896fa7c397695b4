import { ADD, AND, OR, SUB, XOR } from "./domain/arithmetic.js";
import { syncBounds } from "./domain/bounds.js";
import { addHigh, ltSigned, ltUnsigned, subHigh, toSignedNumber } from "./domain/int64.js";
import {
  AUX,
  copyRegister,
  FRAME,
  ID,
  isConstant,
  MAP_UID,
  OBJECT,
  OFF,
  REF,
  REGISTER_WORDS,
  SMAX,
  SMIN,
  setUnbounded32,
  TYPE,
  UMAX,
  UMIN,
  VALUE,
} from "./domain/register.js";
import { tnumAdd, tnumSub } from "./domain/tnum.js";
import { MAX_VARIABLE_OFFSET } from "./memory-region.js";
import { requireWithinBounds } from "./pointer-bounds.js";
import {
  BTF_ID,
  BUF,
  CTX,
  DYNPTR,
  FLOW_KEYS,
  FUNC,
  isPacketPointer,
  KIND,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  PACKET,
  PACKET_META,
  STACK,
  TP_BUFFER,
  typeName,
  UNTRUSTED,
} from "./pointer-types.js";
import { boundNumber, setUnknownScalar } from "./registers.js";
import type { Walk } from "./walk.js";

const signs: Readonly<Record<number, string>> = {
  0: "+=",
  16: "-=",
  32: "*=",
  48: "/=",
  64: "|=",
  80: "&=",
  96: "<<=",
  112: ">>=",
  128: "neg",
  144: "%=",
  160: "^=",
  176: "=",
  192: "s>>=",
  208: "endian",
};

/** An ALU operation as the kernel's messages write it. */
export function operationSign(operation: number): string {
  return signs[operation] ?? "";
}

const movable: ReadonlySet<number> = new Set([
  CTX,
  MAP_VALUE,
  MAP_KEY,
  STACK,
  PACKET_META,
  PACKET,
  TP_BUFFER,
  BTF_ID,
  MEM,
  BUF,
  FUNC,
  DYNPTR,
]);

// Copies of the operands: the result goes into the register of one of them.
const operands = new Int32Array(2 * REGISTER_WORDS);
const POINTER = 0;
const SCALAR_AT = REGISTER_WORDS;
const copies = { records: operands, pointer: POINTER, scalar: SCALAR_AT };

/**
 * `dst = pointer op scalar`, of 64 bits: known amounts collect in the pointer's offset, others in its variable part.
 * `scalarIsDst` says that the scalar is the destination's old value (`scalar += pointer`).
 */
export function addToPointer(
  walk: Walk,
  operation: number,
  is64: boolean,
  dst: number,
  r: Int32Array,
  to: number,
  pointer: number,
  scalars: Int32Array,
  scalar: number,
): void {
  const { analysis } = walk;
  const scalarIsDst = scalars === r && scalar === to;
  copyRegister(operands, POINTER, r, pointer);
  copyRegister(operands, SCALAR_AT, scalars, scalar);
  if (isContradictory(operands, SCALAR_AT)) {
    setUnknownScalar(analysis, r, to);
    return;
  }
  const type = operands[POINTER + TYPE]!;
  if (!is64) {
    if (operation === SUB && !analysis.hidesPointers()) {
      setUnknownScalar(analysis, r, to);
      return;
    }
    analysis.deny("pointer_arithmetic", `R${dst} 32-bit pointer arithmetic prohibited`);
  }
  if ((type & MAYBE_NULL) !== 0) {
    analysis.deny(
      "pointer_arithmetic",
      `R${dst} pointer arithmetic on ${typeName(type)} prohibited, null-check it first`,
    );
  }
  if ((type & KIND) === MEM && (type & UNTRUSTED) !== 0) return;
  requireMovable(walk, operation, dst, type);
  copyRegister(r, to, operands, POINTER);
  if (scalarIsDst) {
    // Of the pointer, the kernel takes type, id, bounds and offset, and leaves these as they were.
    r[to + FRAME] = operands[SCALAR_AT + FRAME]!;
    r[to + REF] = operands[SCALAR_AT + REF]!;
  }
  requireSane(walk, operands, SCALAR_AT, type);
  requireSane(walk, operands, POINTER, type);
  setUnbounded32(r, to);
  const sum = analysis.speculates
    ? { operation, dst, src: analysis.insns.src[analysis.slot]!, scalarIsDst, ...copies }
    : undefined;
  if (sum !== undefined && (operation === ADD || operation === SUB)) walk.masks.begin(sum, r, to);
  if (operation === ADD) addScalar(walk, r, to);
  else if (operation === SUB) subtractScalar(walk, dst, r, to, scalarIsDst);
  else refuseOperation(walk, operation, dst);
  requireSane(walk, r, to, type);
  syncBounds(r, to);
  if (sum === undefined) return;
  requireWithinBounds(walk, dst);
  walk.masks.finish(sum, r, to);
}

/** Ranges of a dead branch: nothing follows from them. */
function isContradictory(r: Int32Array, at: number): boolean {
  const smin = r[at + SMIN]!;
  const sminHigh = r[at + SMIN + 1]!;
  const umin = r[at + UMIN]!;
  const uminHigh = r[at + UMIN + 1]!;
  const smax = r[at + SMAX]!;
  const smaxHigh = r[at + SMAX + 1]!;
  const umax = r[at + UMAX]!;
  const umaxHigh = r[at + UMAX + 1]!;
  if (ltSigned(smax, smaxHigh, smin, sminHigh) || ltUnsigned(umax, umaxHigh, umin, uminHigh)) return true;
  if (!isConstant(r, at)) return false;
  return smin !== smax || sminHigh !== smaxHigh || umin !== umax || uminHigh !== umaxHigh;
}

function requireMovable(walk: Walk, operation: number, dst: number, type: number): void {
  const kind = type & KIND;
  if (movable.has(kind)) return;
  const known = isConstant(operands, SCALAR_AT);
  if (kind === FLOW_KEYS && known) return;
  const zero = known && (operands[SCALAR_AT + VALUE]! | operands[SCALAR_AT + VALUE + 1]!) === 0;
  if ((kind === MAP_PTR || kind === FLOW_KEYS) && zero && operation === ADD) return;
  walk.analysis.deny("pointer_arithmetic", `R${dst} pointer arithmetic on ${typeName(type)} prohibited`);
}

/** Offsets have to stay where adding a few of them can't overflow. */
function requireSane(walk: Walk, r: Int32Array, at: number, type: number): void {
  const { analysis } = walk;
  const name = typeName(type);
  const value = toSignedNumber(r[at + VALUE]!, r[at + VALUE + 1]!);
  if (isConstant(r, at) && Math.abs(value) >= MAX_VARIABLE_OFFSET) {
    const text = BigInt.asIntN(64, (BigInt(r[at + VALUE + 1]!) << 32n) | BigInt(r[at + VALUE]! >>> 0));
    analysis.invalid("pointer_arithmetic", `math between ${name} pointer and ${text} is not allowed`);
  }
  const off = r[at + OFF]!;
  // A scalar's offset is its distance from a linked one, and counts all the same.
  if (Math.abs(off) >= MAX_VARIABLE_OFFSET) {
    analysis.invalid("pointer_arithmetic", `${name} pointer offset ${off} is not allowed`);
  }
  if (r[at + SMIN] === 0 && r[at + SMIN + 1] === -0x80000000) {
    analysis.invalid(
      "pointer_arithmetic",
      `math between ${name} pointer and register with unbounded min value is not allowed`,
    );
  }
  const smin = boundNumber(r, at + SMIN);
  if (Math.abs(smin) >= MAX_VARIABLE_OFFSET) {
    const text = BigInt.asIntN(64, (BigInt(r[at + SMIN + 1]!) << 32n) | BigInt(r[at + SMIN]! >>> 0));
    analysis.invalid("pointer_arithmetic", `value ${text} makes ${name} pointer be out of bounds`);
  }
}

function clearRange(r: Int32Array, at: number): void {
  r[at + AUX] = 0;
  r[at + OBJECT] = 0;
  r[at + MAP_UID] = 0;
}

function addScalar(walk: Walk, r: Int32Array, to: number): void {
  const known = isConstant(operands, SCALAR_AT);
  const amount = boundNumber(operands, SCALAR_AT + SMIN);
  const off = operands[POINTER + OFF]! + amount;
  if (known && off === (off | 0)) {
    r[to + OFF] = off;
    return;
  }
  addSignedBounds(r, to);
  addUnsignedBounds(r, to);
  tnumAdd(r, to, operands, SCALAR_AT);
  if (!isPacketPointer(operands[POINTER + TYPE]!)) return;
  r[to + ID] = walk.analysis.freshId();
  clearRange(r, to);
}

function setSigned(r: Int32Array, bound: number, lo: number, hi: number): void {
  r[bound] = lo;
  r[bound + 1] = hi;
}

function addSignedBounds(r: Int32Array, to: number): void {
  let overflows = false;
  for (const bound of [SMIN, SMAX]) {
    const alo = operands[POINTER + bound]!;
    const ahi = operands[POINTER + bound + 1]!;
    const blo = operands[SCALAR_AT + bound]!;
    const bhi = operands[SCALAR_AT + bound + 1]!;
    const hi = addHigh(alo, ahi, blo, bhi);
    if (((ahi ^ hi) & (bhi ^ hi)) < 0) overflows = true;
    setSigned(r, to + bound, (alo + blo) | 0, hi);
  }
  if (overflows) loseSigned(r, to);
}

function loseSigned(r: Int32Array, to: number): void {
  setSigned(r, to + SMIN, 0, -0x80000000);
  setSigned(r, to + SMAX, -1, 0x7fffffff);
}

function loseUnsigned(r: Int32Array, to: number): void {
  setSigned(r, to + UMIN, 0, 0);
  setSigned(r, to + UMAX, -1, -1);
}

function addUnsignedBounds(r: Int32Array, to: number): void {
  let overflows = false;
  for (const bound of [UMIN, UMAX]) {
    const alo = operands[POINTER + bound]!;
    const ahi = operands[POINTER + bound + 1]!;
    const blo = operands[SCALAR_AT + bound]!;
    const bhi = operands[SCALAR_AT + bound + 1]!;
    const lo = (alo + blo) | 0;
    const hi = addHigh(alo, ahi, blo, bhi);
    if (ltUnsigned(lo, hi, alo, ahi)) overflows = true;
    setSigned(r, to + bound, lo, hi);
  }
  if (overflows) loseUnsigned(r, to);
}

function subtractScalar(walk: Walk, dst: number, r: Int32Array, to: number, scalarIsDst: boolean): void {
  const { analysis } = walk;
  if (scalarIsDst) {
    analysis.deny("pointer_arithmetic", `R${dst} tried to subtract pointer from scalar`);
  }
  const type = operands[POINTER + TYPE]!;
  if (type === STACK) {
    analysis.deny("pointer_arithmetic", `R${dst} subtraction from stack pointer prohibited`);
  }
  const off = operands[POINTER + OFF]! - boundNumber(operands, SCALAR_AT + SMIN);
  if (isConstant(operands, SCALAR_AT) && off === (off | 0)) {
    r[to + OFF] = off;
    return;
  }
  subtractBounds(r, to);
  tnumSub(r, to, operands, SCALAR_AT);
  if (!isPacketPointer(type)) return;
  r[to + ID] = analysis.freshId();
  // Going back keeps the range that was proved; going forward does not.
  if (operands[SCALAR_AT + SMIN + 1]! < 0) clearRange(r, to);
}

function subtractBounds(r: Int32Array, to: number): void {
  let overflows = false;
  for (const [bound, other] of [
    [SMIN, SMAX],
    [SMAX, SMIN],
  ] as const) {
    const alo = operands[POINTER + bound]!;
    const ahi = operands[POINTER + bound + 1]!;
    const blo = operands[SCALAR_AT + other]!;
    const bhi = operands[SCALAR_AT + other + 1]!;
    const hi = subHigh(alo, ahi, blo, bhi);
    if (((ahi ^ bhi) & (ahi ^ hi)) < 0) overflows = true;
    setSigned(r, to + bound, (alo - blo) | 0, hi);
  }
  if (overflows) loseSigned(r, to);
  const uminLo = operands[POINTER + UMIN]!;
  const uminHi = operands[POINTER + UMIN + 1]!;
  const maxLo = operands[SCALAR_AT + UMAX]!;
  const maxHi = operands[SCALAR_AT + UMAX + 1]!;
  if (ltUnsigned(uminLo, uminHi, maxLo, maxHi)) {
    loseUnsigned(r, to);
    return;
  }
  setSigned(r, to + UMIN, (uminLo - maxLo) | 0, subHigh(uminLo, uminHi, maxLo, maxHi));
  const umaxLo = operands[POINTER + UMAX]!;
  const minLo = operands[SCALAR_AT + UMIN]!;
  const minHi = operands[SCALAR_AT + UMIN + 1]!;
  setSigned(r, to + UMAX, (umaxLo - minLo) | 0, subHigh(umaxLo, operands[POINTER + UMAX + 1]!, minLo, minHi));
}

function refuseOperation(walk: Walk, operation: number, dst: number): never {
  const sign = operationSign(operation);
  return walk.analysis.deny(
    "pointer_arithmetic",
    operation === AND || operation === OR || operation === XOR
      ? `R${dst} bitwise operator ${sign} on pointer prohibited`
      : `R${dst} pointer arithmetic with ${sign} operator prohibited`,
  );
}
