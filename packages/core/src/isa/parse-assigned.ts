import { AssembleError } from "../base/index.js";
import { wideImmediates } from "./encode.js";
import type { AtomicOperation } from "./form.js";
import { OPCODE_LDDW } from "./instruction.js";
import {
  type Register,
  readAccessed,
  readAddress,
  readDisplacement,
  readImmediate,
  readRegister,
  readRegisterOf,
  readSize,
  readUnsignedSize,
  readWideSource,
  seesRegister,
  seesWideSource,
  toImmediate,
} from "./operands.js";
import { type ParsedInstruction, parsedAs } from "./parsed.js";
import type { TokenReader } from "./token-reader.js";

/** What may stand right of `r1 =`, told by a word. */
const byteSwap = /^(be|le|bswap)(16|32|64)$/;
const fetching = /^atomic(?:64)?_fetch_(add|or|and|xor)$/;
const exchange = /^(?:atomic(?:64)?_)?(xchg|cmpxchg)(?:_64|32_32)?$/;

/** Reads what follows `dst =`. */
export function readAssigned(reader: TokenReader, dst: Register, opcode: number | undefined): ParsedInstruction {
  if (seesRegister(reader)) {
    const src = readRegister(reader);
    // LLVM writes a zero-extending move as `r1 = w2`.
    const width = dst.width === 64 ? src.width : 32;
    if (src.width > dst.width) reader.fail(`w${src.number}, as w${dst.number} has 32 bits`, src.token);
    return parsedAs({ kind: "alu", operation: "mov", width, source: "reg" }, { dst: dst.number, src: src.number });
  }
  if (reader.sees("-") && seesRegister(reader, 1)) return readNegation(reader, dst);
  if (reader.accept("*")) return readLoad(reader, dst);
  if (reader.sees("(") && /^s\d+$/.test(reader.peek(1).text)) return readSignExtension(reader, dst);
  if (seesWideSource(reader)) {
    wide(reader, dst);
    const { source, operands, named } = readWideSource(reader);
    return parsedAs({ kind: "load_imm64", source }, { dst: dst.number, ...operands }, named);
  }
  if (reader.seesExpression()) return readConstant(reader, dst, opcode);
  return readCall(reader, dst);
}

/** Refuses `w1` where the instruction has 64 bits only. */
function wide(reader: TokenReader, dst: Register): void {
  if (dst.width !== 64) reader.fail(`r${dst.number}: this instruction has 64 bits only`, dst.token);
}

function readNegation(reader: TokenReader, dst: Register): ParsedInstruction {
  reader.next();
  const token = reader.current;
  if (readRegisterOf(reader, dst.width) !== dst.number) {
    return reader.fail(`${dst.token.text}: a negation works on one register`, token);
  }
  return parsedAs({ kind: "neg", width: dst.width }, { dst: dst.number });
}

function readSignExtension(reader: TokenReader, dst: Register): ParsedInstruction {
  reader.expect("(");
  const token = reader.next();
  const from = ([8, 16, 32] as const).find((bits) => token.text === `s${bits}` && bits < dst.width);
  if (from === undefined) return reader.fail(dst.width === 64 ? '"s8", "s16" or "s32"' : '"s8" or "s16"', token);
  reader.expect(")");
  const src = readRegisterOf(reader, dst.width);
  return parsedAs({ kind: "movsx", width: dst.width, from }, { dst: dst.number, src });
}

function readLoad(reader: TokenReader, dst: Register): ParsedInstruction {
  const sizeToken = reader.peek(1);
  const { size, signed } = readSize(reader);
  if (reader.accept("skb")) {
    if (signed || size === 8) return reader.fail("u8, u16 or u32, the sizes of packet loads", sizeToken);
    if (dst.number !== 0) return reader.fail("r0, where packet loads put their result", dst.token);
    return readPacketLoad(reader, size);
  }
  if (signed || size === 8) wide(reader, dst);
  if (signed && size === 8) return reader.fail("u64: nothing is left to extend", sizeToken);
  const { base: src, offset } = readAddress(reader);
  return parsedAs({ kind: "load", size, signed }, { dst: dst.number, src, offset });
}

function readPacketLoad(reader: TokenReader, size: 1 | 2 | 4): ParsedInstruction {
  reader.expect("[");
  if (!seesRegister(reader)) {
    const imm = readImmediate(reader);
    reader.expect("]");
    return parsedAs({ kind: "load_packet", mode: "abs", size }, { imm });
  }
  const src = readRegisterOf(reader, 64);
  const imm = reader.sees("+") || reader.sees("-") ? readImmediate(reader) : 0;
  reader.expect("]");
  return parsedAs({ kind: "load_packet", mode: "ind", size }, { src, imm });
}

function readConstant(reader: TokenReader, dst: Register, opcode: number | undefined): ParsedInstruction {
  const token = reader.current;
  const value = reader.expression();
  if (reader.accept("ll") || opcode === OPCODE_LDDW) {
    wide(reader, dst);
    return parsedAs({ kind: "load_imm64", source: "imm" }, { dst: dst.number, ...wideImmediates(value) });
  }
  const imm = toImmediate(value, token);
  return parsedAs({ kind: "alu", operation: "mov", width: dst.width, source: "imm" }, { dst: dst.number, imm });
}

/** `be16 r1`, `addr_space_cast(...)`, `atomic_fetch_add(...)`, `name ll` and their like. */
function readCall(reader: TokenReader, dst: Register): ParsedInstruction {
  const token = reader.word("a register, a number, a load or an operation");
  const name = token.text;
  const swap = byteSwap.exec(name);
  if (swap !== null) {
    const operand = readRegister(reader);
    if (operand.number !== dst.number)
      return reader.fail(`r${dst.number}: a byte swap works on one register`, operand.token);
    const order = swap[1] === "bswap" ? "swap" : (swap[1] as "be" | "le");
    return parsedAs({ kind: "byte_swap", order, bits: Number(swap[2]) as 16 | 32 | 64 }, { dst: dst.number });
  }
  if (name === "addr_space_cast") return readAddrSpaceCast(reader, dst);
  if (name === "load_acquire") {
    reader.expect("(");
    const size = readUnsignedSize(reader);
    if (size === 8) wide(reader, dst);
    const { base: src, offset } = readAddress(reader);
    reader.expect(")");
    return parsedAs({ kind: "load_acquire", size }, { dst: dst.number, src, offset });
  }
  const fetch = fetching.exec(name);
  if (fetch !== null) return readFetch(reader, dst, fetch[1] as AtomicOperation);
  const exchanged = exchange.exec(name);
  if (exchanged !== null) return readExchange(reader, dst, name, exchanged[1] as "xchg" | "cmpxchg");
  if (reader.accept("ll")) {
    wide(reader, dst);
    return parsedAs({ kind: "load_imm64", source: "imm" }, { dst: dst.number }, { token, name, use: "address" });
  }
  return reader.fail(`a register, a known constant, or "ll" behind a name`, token);
}

function readAddrSpaceCast(reader: TokenReader, dst: Register): ParsedInstruction {
  wide(reader, dst);
  reader.expect("(");
  const src = readRegisterOf(reader, 64);
  const space = (): number => {
    reader.expect(",");
    const token = reader.current;
    const value = reader.expression();
    if (value < 0n || value > 0xffffn)
      throw new AssembleError(`address space ${value} is outside 0 to 65535`, token.line, token.column);
    return Number(value);
  };
  const [to, from] = [space(), space()];
  reader.expect(")");
  return parsedAs({ kind: "addr_space_cast" }, { dst: dst.number, src, imm: (to << 16) | from });
}

function readFetch(reader: TokenReader, dst: Register, operation: AtomicOperation): ParsedInstruction {
  reader.expect("(");
  const size = readAtomicSize(reader);
  const { base, offset } = readAddress(reader);
  reader.expect(",");
  const operand = reader.current;
  const src = readAccessed(reader, size);
  if (src !== dst.number) return reader.fail(`${dst.token.text}: the old value replaces the operand`, operand);
  reader.expect(")");
  return parsedAs({ kind: "atomic", operation, fetch: true, size }, { dst: base, offset, src });
}

function readAtomicSize(reader: TokenReader): 4 | 8 {
  const token = reader.peek(1);
  const size = readUnsignedSize(reader);
  return size === 4 || size === 8 ? size : reader.fail("u32 or u64, the sizes of atomics", token);
}

/** The kernel's `atomic64_xchg((u64 *)(r1 +0), r2)` and LLVM's `xchg_64(r1 + 0, r2)`. */
function readExchange(
  reader: TokenReader,
  dst: Register,
  name: string,
  operation: "xchg" | "cmpxchg",
): ParsedInstruction {
  reader.expect("(");
  let size: 4 | 8 = name.endsWith("32_32") ? 4 : 8;
  let base: number;
  let offset: number;
  if (seesRegister(reader)) {
    base = readRegisterOf(reader, 64);
    offset = readDisplacement(reader);
  } else {
    size = readAtomicSize(reader);
    ({ base, offset } = readAddress(reader));
  }
  reader.expect(",");
  if (operation === "cmpxchg") {
    const compared = reader.current;
    if (readAccessed(reader, size) !== 0) return reader.fail("r0, which cmpxchg compares", compared);
    reader.expect(",");
  }
  const operand = reader.current;
  const src = readAccessed(reader, size);
  const result = operation === "cmpxchg" ? 0 : src;
  if (dst.number !== result)
    return reader.fail(`r${result}, where the old value goes`, operation === "cmpxchg" ? dst.token : operand);
  reader.expect(")");
  return parsedAs({ kind: "atomic", operation, fetch: true, size }, { dst: base, offset, src });
}
