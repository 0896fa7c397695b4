import { AssembleError } from "../base/index.js";
import type { OperandValues } from "./encode.js";
import type { AccessSize, WideSource, Width } from "./form.js";
import type { Token } from "./lexer.js";
import { MAX_BPF_REG } from "./opcodes.js";
import type { NamedOperand } from "./parsed.js";
import type { TokenReader } from "./token-reader.js";

// Operands that both assembly styles share: registers, numbers, displacements, jump targets and what a lddw loads.

/** A register as assembly writes it. */
export interface Register {
  readonly number: number;
  /** 32 for `w0`, 64 for `r0`. */
  readonly width: Width;
  readonly token: Token;
}

/** Whether the current token names a register, of the machine or not. */
export function seesRegister(reader: TokenReader, ahead = 0): boolean {
  const token = reader.peek(ahead);
  return token.kind === "word" && /^[rw]\d+$/.test(token.text);
}

export function readRegister(reader: TokenReader, what = "a register"): Register {
  if (!seesRegister(reader)) return reader.fail(what);
  const token = reader.next();
  const number = Number(token.text.slice(1));
  if (number >= MAX_BPF_REG) {
    throw new AssembleError(
      `there is no register ${token.text.slice(0, 20)}: they go from ${token.text[0]}0 to ${token.text[0]}10`,
      token.line,
      token.column,
    );
  }
  return { number, width: token.text[0] === "w" ? 32 : 64, token };
}

/** A register of one width: `r1` for 64 bits, `w1` for 32. */
export function readRegisterOf(reader: TokenReader, width: Width): number {
  const letter = width === 64 ? "r" : "w";
  const register = readRegister(reader, `a ${width}-bit register (${letter}0 to ${letter}10)`);
  if (register.width !== width)
    return reader.fail(`${letter}${register.number}, as all registers here have ${width} bits`, register.token);
  return register.number;
}

/** A register in an access of `size` bytes, which up to 4 bytes may be written `w1`, as LLVM does, or `r1`. */
export function readAccessed(reader: TokenReader, size: AccessSize): number {
  return size === 8 ? readRegisterOf(reader, 64) : readRegister(reader).number;
}

/** An immediate of 32 bits, signed or unsigned; its bits as a signed number. */
export function readImmediate(reader: TokenReader, what = "a number"): number {
  const token = reader.current;
  return toImmediate(reader.expression(what), token);
}

export function toImmediate(value: bigint, token: Token): number {
  if (value < -(1n << 31n) || value >= 1n << 32n) {
    throw new AssembleError(
      `${value} does not fit 32 bits (-0x80000000 to 0xffffffff); lddw, or "ll", loads 64`,
      token.line,
      token.column,
    );
  }
  return Number(BigInt.asIntN(32, value));
}

/** The displacement behind a base register, up to the closing bracket; none is 0. */
export function readDisplacement(reader: TokenReader): number {
  const token = reader.current;
  if (!reader.sees("+") && !reader.sees("-")) return 0;
  const value = reader.expression("a displacement");
  if (value < -32768n || value > 32767n) {
    throw new AssembleError(
      `a displacement of ${value} does not fit 16 bits (-32768 to 32767)`,
      token.line,
      token.column,
    );
  }
  return Number(value);
}

const sizeNames: Readonly<Record<string, AccessSize>> = { "8": 1, "16": 2, "32": 4, "64": 8 };

/** `(u32 *)`, from its bracket on; what precedes it is read already. */
export function readSize(reader: TokenReader): { readonly size: AccessSize; readonly signed: boolean } {
  reader.expect("(");
  const type = /^([us])(8|16|32|64)$/.exec(reader.current.text);
  const size = type === null ? undefined : sizeNames[type[2]!];
  if (type === null || size === undefined) return reader.fail('a size ("u8", "u16", "u32", "u64" or a signed one)');
  reader.next();
  reader.expect("*");
  reader.expect(")");
  return { size, signed: type[1] === "s" };
}

/** {@link readSize} where a sign makes no sense. */
export function readUnsignedSize(reader: TokenReader): AccessSize {
  const token = reader.peek(1);
  const { size, signed } = readSize(reader);
  return signed ? reader.fail(`"u${size * 8}": only loads have a sign`, token) : size;
}

/** `(r10 -8)`. */
export function readAddress(reader: TokenReader): { readonly base: number; readonly offset: number } {
  reader.expect("(");
  const base = readRegisterOf(reader, 64);
  const offset = readDisplacement(reader);
  reader.expect(")");
  return { base, offset };
}

/** A distance in slots or a name for the slot. */
export interface Target {
  readonly distance?: number;
  readonly named?: NamedOperand;
}

/** `L1`, `1f`, `+3`, `-2`, `pc+3`, of a jump; a distance must fit `bits`. */
export function readTarget(reader: TokenReader, bits: 16 | 32): Target {
  const token = reader.current;
  const behind = reader.peek(1);
  if (token.kind === "number" && behind.kind === "word" && !behind.spaced && /^[fb]$/.test(behind.text)) {
    reader.next();
    reader.next();
    return { named: { token, name: token.text + behind.text, use: "target" } };
  }
  const relative = reader.sees("pc") && (behind.text === "+" || behind.text === "-");
  if (relative) reader.next();
  if (!relative && token.kind === "word") {
    reader.next();
    return { named: { token, name: token.text, use: "target" } };
  }
  if (!reader.seesExpression()) return reader.fail("a label or a distance such as +3");
  const value = reader.expression();
  checkDistance(value, bits, token);
  skipTargetName(reader);
  return { distance: Number(value) };
}

/** llvm-objdump names what a distance leads to: `goto +0x3 <LBB0_2>`. */
function skipTargetName(reader: TokenReader): void {
  if (!reader.accept("<")) return;
  while (!reader.sees(">") && reader.current.kind !== "end") reader.next();
  reader.expect(">");
}

function checkDistance(value: bigint, bits: 16 | 32, token: Token): void {
  const limit = 1n << BigInt(bits - 1);
  if (value < -limit || value >= limit) {
    throw new AssembleError(`a distance of ${value} slots does not fit ${bits} bits`, token.line, token.column);
  }
}

/** What a lddw loads: where the constant comes from, the immediates, and a name that is still to be looked up. */
export interface WideOperand {
  readonly source: WideSource;
  readonly operands: OperandValues;
  readonly named?: NamedOperand;
}

/** Whether something follows that only a lddw can load. */
export function seesWideSource(reader: TokenReader): boolean {
  const { kind, text } = reader.current;
  return kind === "word" && (text === "map" || text === "btf" || text === "subprog") && reader.peek(1).text === "[";
}

/** `map[fd:3]`, `map[idx:1][0]+8`, `map[name]`, `btf[id:7]`, `subprog[+5]`. */
export function readWideSource(reader: TokenReader): WideOperand {
  const what = reader.next().text;
  reader.expect("[");
  if (what === "subprog") {
    const { distance, named } = readTarget(reader, 32);
    reader.expect("]");
    return named === undefined
      ? { source: "func", operands: { imm: distance! } }
      : { source: "func", operands: {}, named };
  }
  if (what === "btf") {
    const imm = readTagged(reader, ["id"]);
    const immHigh = reader.accept(",") ? readTagged(reader, ["fd"]) : 0;
    reader.expect("]");
    return { source: "btf_id", operands: { imm, immHigh } };
  }
  return readMap(reader);
}

function readTagged(reader: TokenReader, tags: readonly string[]): number {
  if (!tags.some((tag) => reader.accept(tag))) reader.fail(tags.map((tag) => `"${tag}:"`).join(" or "));
  reader.expect(":");
  return readImmediate(reader);
}

function readMap(reader: TokenReader): WideOperand {
  const first = reader.current;
  const tagged = reader.peek(1).text === ":";
  const source = first.text === "idx" ? "map_idx" : "map_fd";
  const imm = tagged ? readTagged(reader, ["fd", "id", "idx"]) : 0;
  if (!tagged) reader.word('a map\'s name, or "fd:", "id:" or "idx:"');
  reader.expect("]");
  const ofValue = reader.accept("[");
  let immHigh = 0;
  if (ofValue) {
    if (reader.expression() !== 0n) reader.fail('"0": only the first value of a map has an address');
    reader.expect("]");
    if (reader.sees("+")) immHigh = readImmediate(reader, "an offset");
  }
  if (!tagged) {
    const named: NamedOperand = { token: first, name: first.text, use: ofValue ? "map_value" : "map" };
    return { source: ofValue ? "map_value" : "map_fd", operands: { imm: 0, immHigh }, named };
  }
  return { source: ofValue ? `${source === "map_fd" ? "map" : "map_idx"}_value` : source, operands: { imm, immHigh } };
}
