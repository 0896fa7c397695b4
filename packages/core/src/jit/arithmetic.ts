import type { AluOperation, InstructionForm, OperandSource } from "../isa/index.js";
import { wasmArithmetic, wasmDivision } from "../runtime/index.js";
import { I32, I64, i32, i64, type Operator } from "../wasm/index.js";
import type { Translation } from "./translation.js";

type Width = 32 | 64;
type ArithmeticName = (typeof wasmArithmetic)[keyof typeof wasmArithmetic];

/** The second operand of the current instruction: an immediate is sign-extended. */
export function pushOperand(t: Translation, source: OperandSource, width: Width): void {
  if (source === "reg") t.get(t.parts.program.slots.src[t.slot]!, width);
  else pushImmediate(t, width);
}

/** The immediate of the current instruction, which the program chose; constants of ours are {@link pushConstant}'s. */
export function pushImmediate(t: Translation, width: Width): void {
  const value = t.parts.program.slots.imm[t.slot]!;
  const { blinding } = t.parts;
  if (blinding === undefined) pushConstant(t, value, width);
  else if (width === 32) blinding.push32(t.f, t.slot, value);
  else blinding.push64(t.f, t.slot, value, value >> 31);
}

function pushConstant({ f }: Translation, value: number, width: Width): void {
  if (width === 32) f.i32(value);
  else f.i64(value);
}

/** @see RFC 9669 section 4.1 */
export function emitAlu(t: Translation, form: Extract<InstructionForm, { kind: "alu" }>): void {
  const { operation, width, source } = form;
  const dst = t.parts.program.slots.dst[t.slot]!;
  const ops = width === 32 ? i32 : i64;
  const name = (wasmArithmetic as Partial<Record<AluOperation, ArithmeticName>>)[operation];
  if (operation === "mov") pushOperand(t, source, width);
  else if (name !== undefined) {
    t.get(dst, width);
    pushOperand(t, source, width);
    t.f.op(ops[name] as Operator);
  } else if (source === "imm") emitConstantDivision(t, operation as keyof typeof wasmDivision, width, dst);
  else emitDivision(t, operation as keyof typeof wasmDivision, width, dst);
  t.set(dst, width);
}

/** Division by a constant, of which it is known whether it is 0 or -1. */
function emitConstantDivision(t: Translation, operation: keyof typeof wasmDivision, width: Width, dst: number): void {
  const { f } = t;
  const divisor = t.parts.program.slots.imm[t.slot]!;
  const ops = width === 32 ? i32 : i64;
  const quotient = operation === "div" || operation === "sdiv";
  if (divisor === 0) {
    if (quotient) pushConstant(t, 0, width);
    else t.get(dst, width);
  } else if (divisor === -1 && operation === "sdiv") {
    pushConstant(t, 0, width);
    t.get(dst, width).op(ops.sub);
  } else {
    t.get(dst, width);
    pushImmediate(t, width);
    f.op(ops[wasmDivision[operation]] as Operator);
  }
}

/**
 * x / 0 = 0 and x % 0 = x. The smallest number divided by -1 is itself, where WebAssembly's `div_s` traps; its remainder
 * is 0, which `rem_s` gives.
 */
function emitDivision(t: Translation, operation: keyof typeof wasmDivision, width: Width, dst: number): void {
  const { f } = t;
  const type = width === 32 ? I32 : I64;
  const ops = width === 32 ? i32 : i64;
  const divisor = t.scratch(type, "divisor");
  const quotient = operation === "div" || operation === "sdiv";
  const divide = () =>
    void t
      .get(dst, width)
      .get(divisor)
      .op(ops[wasmDivision[operation]] as Operator);
  pushOperand(t, "reg", width);
  f.tee(divisor).op(ops.eqz);
  f.openIf(type);
  if (quotient) pushConstant(t, 0, width);
  else t.get(dst, width);
  f.else();
  if (operation === "sdiv") {
    f.get(divisor);
    pushConstant(t, -1, width);
    f.op(ops.eq).openIf(type);
    pushConstant(t, 0, width);
    t.get(dst, width).op(ops.sub).else();
    divide();
    f.end();
  } else divide();
  f.end();
}

export function emitNegation(t: Translation, width: Width): void {
  const dst = t.parts.program.slots.dst[t.slot]!;
  pushConstant(t, 0, width);
  t.get(dst, width).op(width === 32 ? i32.sub : i64.sub);
  t.set(dst, width);
}

export function emitSignedMove(t: Translation, { width, from }: { width: Width; from: 8 | 16 | 32 }): void {
  const { dst, src } = t.parts.program.slots;
  t.get(src[t.slot]!, width);
  if (width === 32) t.f.op(from === 8 ? i32.extend8_s : i32.extend16_s);
  else t.f.op(from === 8 ? i64.extend8_s : from === 16 ? i64.extend16_s : i64.extend32_s);
  t.set(dst[t.slot]!, width);
}

/** `le` only truncates on this little-endian machine; `be` and `swap` both reverse. @see RFC 9669 section 4.2 */
export function emitByteSwap(t: Translation, form: Extract<InstructionForm, { kind: "byte_swap" }>): void {
  const { f } = t;
  const { order, bits } = form;
  const dst = t.parts.program.slots.dst[t.slot]!;
  if (order === "le") {
    if (bits === 64) return;
    t.get(dst, 32);
    if (bits === 16) f.i32(0xffff).op(i32.and);
    t.set(dst, 32);
  } else if (bits === 16) {
    const value = t.scratch(I32, "value");
    t.get(dst, 32).tee(value).i32(0xff).op(i32.and).i32(8).op(i32.shl);
    f.get(value).i32(8).op(i32.shr_u).i32(0xff).op(i32.and).op(i32.or);
    t.set(dst, 32);
  } else if (bits === 32) {
    t.get(dst, 32);
    emitReverse32(t);
    t.set(dst, 32);
  } else {
    t.get(dst, 32);
    emitReverse32(t);
    f.op(i64.extend_i32_u).i64(32).op(i64.shl);
    t.get(dst, 64).i64(32).op(i64.shr_u).op(i32.wrap_i64);
    emitReverse32(t);
    f.op(i64.extend_i32_u).op(i64.or);
    t.set(dst, 64);
  }
}

/** Bytes 1 and 3 rotated left by 8, bytes 0 and 2 right by 8, as two masks of one word. */
function emitReverse32(t: Translation): void {
  const value = t.scratch(I32, "value");
  t.f.tee(value).i32(8).op(i32.rotl).i32(0x00ff00ff).op(i32.and);
  t.f.get(value).i32(8).op(i32.rotr).i32(0xff00ff00).op(i32.and).op(i32.or);
}
