import { BpfError } from "../base/index.js";
import { encodeRow, type OperandValues, rowOfForm, wideImmediates } from "./encode.js";
import type {
  AccessSize,
  AluOperation,
  AtomicOperation,
  CallTarget,
  Comparison,
  InstructionForm,
  WideSource,
  Width,
} from "./form.js";
import type { Instruction } from "./instruction.js";

// Instructions as a program writes them down:
//
//     [mov64(r0, 2), ldx("u32", r2, r1, 76), jump("gt", r2, 1500, 1), exit(), mov64(r0, 1), exit()]
//
// Every function throws BpfError "OPERAND" for an operand that does not fit its field.

/** A register as an operand, so that it is not taken for a number. */
export interface Register {
  /** 0 to 10. */
  readonly register: number;
}

const register = (number: number): Register => Object.freeze({ register: number });

/** Result of calls and of the program. */
export const r0 = register(0);
/** Arguments of calls; r1 holds the context at first. Calls overwrite r1 to r5. */
export const r1 = register(1);
export const r2 = register(2);
export const r3 = register(3);
export const r4 = register(4);
export const r5 = register(5);
/** Registers that calls keep. */
export const r6 = register(6);
export const r7 = register(7);
export const r8 = register(8);
export const r9 = register(9);
/** The frame pointer: read-only, and the stack is below it. */
export const r10 = register(10);

/** A memory access as C writes it; the signed ones are loads only. */
export type AccessType = "u8" | "u16" | "u32" | "u64" | "s8" | "s16" | "s32";

/** `dst op= operand` with 64 bits. A number is 32 bits wide and sign-extended. */
export function alu64(operation: AluOperation, dst: Register, operand: Register | number): Instruction {
  return arithmetic(operation, 64, dst, operand);
}

/** `dst op= operand` with 32 bits; the upper half of `dst` becomes 0. */
export function alu32(operation: AluOperation, dst: Register, operand: Register | number): Instruction {
  return arithmetic(operation, 32, dst, operand);
}

/** `dst = operand`. */
export function mov64(dst: Register, operand: Register | number): Instruction {
  return arithmetic("mov", 64, dst, operand);
}

/** `dst = operand` with 32 bits; the upper half of `dst` becomes 0. */
export function mov32(dst: Register, operand: Register | number): Instruction {
  return arithmetic("mov", 32, dst, operand);
}

/** `dst = -dst`. */
export function neg(dst: Register, width: Width = 64): Instruction {
  return build({ kind: "neg", width }, { dst: dst.register });
}

/** `dst = src`, sign-extended from its low `from` bits. Since 6.6. */
export function movsx(dst: Register, src: Register, from: 8 | 16 | 32, width: Width = 64): Instruction {
  return build({ kind: "movsx", width, from }, { dst: dst.register, src: src.register });
}

/** Converts `dst` to (or from) little or big endian and cuts it to `bits`; `swap` (since 6.6) swaps in any case. */
export function byteSwap(order: "le" | "be" | "swap", bits: 16 | 32 | 64, dst: Register): Instruction {
  return build({ kind: "byte_swap", order, bits }, { dst: dst.register });
}

/** Loads 64 bits. */
export function lddw(dst: Register, value: bigint | number): Instruction {
  const wide = BigInt(value);
  if (wide < -(1n << 63n) || wide >= 1n << 64n) throw operandError(`${wide} does not fit 64 bits`);
  return build({ kind: "load_imm64", source: "imm" }, { dst: dst.register, ...wideImmediates(wide) });
}

/**
 * Loads what the kernel makes of `imm`: the address of a map by file descriptor or index, of the byte `immHigh` of its
 * only value, of a kernel variable by BTF id (`immHigh` being its BTF's descriptor, 0 for vmlinux), or of the function
 * `imm` slots behind the slot after this instruction's first.
 */
export function lddwOf(dst: Register, source: Exclude<WideSource, "imm">, imm: number, immHigh = 0): Instruction {
  return build({ kind: "load_imm64", source }, { dst: dst.register, imm: immediate(imm), immHigh: immediate(immHigh) });
}

/** `dst = *(type *)(src + offset)`. The signed types are there since 6.6. */
export function ldx(type: AccessType, dst: Register, src: Register, offset = 0): Instruction {
  const form = { kind: "load", size: sizeOf(type), signed: type.startsWith("s") } as const;
  return build(form, { dst: dst.register, src: src.register, offset: displacement(offset) });
}

/** `*(type *)(dst + offset) = operand`: stx for a register, st for a number. */
export function store(type: AccessType, dst: Register, offset: number, operand: Register | number): Instruction {
  if (type.startsWith("s")) throw operandError(`a store has no sign: ${type}`);
  const place = { dst: dst.register, offset: displacement(offset) };
  const size = sizeOf(type);
  return typeof operand === "number"
    ? build({ kind: "store", size, source: "imm" }, { ...place, imm: immediate(operand) })
    : build({ kind: "store", size, source: "reg" }, { ...place, src: operand.register });
}

/**
 * r0 = packet bytes at `imm`, or at `base + imm`, from network byte order; ends the program with 0 beyond the packet.
 * Needs the context in r6, and clobbers r1 to r5. Deprecated, and only in programs on socket buffers.
 */
export function loadPacket(type: "u8" | "u16" | "u32", imm: number, base?: Register): Instruction {
  const size = sizeOf(type) as 1 | 2 | 4;
  return base === undefined
    ? build({ kind: "load_packet", mode: "abs", size }, { imm: immediate(imm) })
    : build({ kind: "load_packet", mode: "ind", size }, { src: base.register, imm: immediate(imm) });
}

/**
 * `*(type *)(dst + offset) op= src`, atomically. With `fetch` the old value comes back in `src`; xchg and cmpxchg (which
 * compares with r0 and returns there) always fetch. All but the plain `add` since 5.12.
 */
export function atomic(
  operation: AtomicOperation,
  type: "u32" | "u64",
  dst: Register,
  offset: number,
  src: Register,
  { fetch = operation === "xchg" || operation === "cmpxchg" }: { readonly fetch?: boolean } = {},
): Instruction {
  const form = { kind: "atomic", operation, fetch, size: type === "u32" ? 4 : 8 } as const;
  return build(form, { dst: dst.register, offset: displacement(offset), src: src.register });
}

/** `if dst comparison operand goto +distance`, comparing 64 bits. Distances count slots, from the next one. */
export function jump(comparison: Comparison, dst: Register, operand: Register | number, distance: number): Instruction {
  return branch(comparison, 64, dst, operand, distance);
}

/** {@link jump} comparing the low 32 bits. Since 5.1. */
export function jump32(
  comparison: Comparison,
  dst: Register,
  operand: Register | number,
  distance: number,
): Instruction {
  return branch(comparison, 32, dst, operand, distance);
}

/** `goto +distance`; as `gotol` (since 6.6) where 16 bits are not enough. */
export function goto(distance: number): Instruction {
  return distance >= -32768 && distance <= 32767
    ? build({ kind: "goto", long: false }, { offset: displacement(distance) })
    : build({ kind: "goto", long: true }, { imm: immediate(distance) });
}

/**
 * Calls a helper by number, a function of the program by distance, a kernel function by BTF id (`fdIndex` says whose,
 * 0 for vmlinux's).
 */
export function call(target: Exclude<CallTarget, "register">, imm: number, fdIndex = 0): Instruction {
  return build({ kind: "call", target }, { imm: immediate(imm), offset: displacement(fdIndex) });
}

/** `exit` */
export function exit(): Instruction {
  return build({ kind: "exit" }, {});
}

function arithmetic(operation: AluOperation, width: Width, dst: Register, operand: Register | number): Instruction {
  return typeof operand === "number"
    ? build({ kind: "alu", operation, width, source: "imm" }, { dst: dst.register, imm: immediate(operand) })
    : build({ kind: "alu", operation, width, source: "reg" }, { dst: dst.register, src: operand.register });
}

function branch(
  comparison: Comparison,
  width: Width,
  dst: Register,
  operand: Register | number,
  distance: number,
): Instruction {
  const common = { dst: dst.register, offset: displacement(distance) };
  return typeof operand === "number"
    ? build({ kind: "branch", comparison, width, source: "imm" }, { ...common, imm: immediate(operand) })
    : build({ kind: "branch", comparison, width, source: "reg" }, { ...common, src: operand.register });
}

function build(form: InstructionForm, operands: OperandValues): Instruction {
  const row = rowOfForm(form);
  if (row === undefined) throw operandError(`no instruction is ${JSON.stringify(form)}`);
  return encodeRow(row, operands);
}

function sizeOf(type: AccessType): AccessSize {
  return (Number(type.slice(1)) / 8) as AccessSize;
}

/** Signed or unsigned 32 bits, as signed ones. */
function immediate(value: number): number {
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) {
    throw operandError(`${value} does not fit 32 bits`);
  }
  return value | 0;
}

function displacement(value: number): number {
  if (!Number.isInteger(value) || value < -32768 || value > 32767) {
    throw operandError(`${value} does not fit a signed field of 16 bits`);
  }
  return value;
}

function operandError(message: string): BpfError<"OPERAND"> {
  return new BpfError("OPERAND", message);
}
