import type { AluOperation, AtomicOperation, Comparison } from "./form.js";
import {
  readAccessed,
  readAddress,
  readImmediate,
  readRegister,
  readRegisterOf,
  readTarget,
  readUnsignedSize,
  seesRegister,
} from "./operands.js";
import { readAssigned } from "./parse-assigned.js";
import { type ParsedInstruction, parsedAs } from "./parsed.js";
import { aluSymbols, atomicSymbols, comparisonSymbols } from "./symbols.js";
import type { TokenReader } from "./token-reader.js";

// The style of the kernel's log and of LLVM: `r1 += 5`, `if w1 s> 0x5 goto L1`, `*(u64 *)(r10 -8) = r1`.

function invert<Name extends string>(symbols: Readonly<Record<Name, string>>): ReadonlyMap<string, Name> {
  return new Map((Object.entries(symbols) as [Name, string][]).map(([name, symbol]) => [symbol, name]));
}

const aluBySymbol = invert<AluOperation>(aluSymbols);
const comparisonBySymbol = invert<Comparison>(comparisonSymbols);
const atomicBySymbol = invert<Exclude<AtomicOperation, "xchg" | "cmpxchg">>(atomicSymbols);

/** Whether the statement is in this style: it starts with a register, or with a word or symbol of its own. */
export function seesInfix(reader: TokenReader): boolean {
  if (seesRegister(reader) || reader.sees("*")) return true;
  if (reader.sees("lock")) return reader.peek(1).text === "*";
  if (reader.sees("store_release")) return reader.peek(1).text === "(";
  return ["if", "goto", "gotol", "ld_pseudo"].some((word) => reader.sees(word));
}

/**
 * Reads one instruction. `opcode`, where a dump told it, decides between a move and a lddw of the same constant.
 *
 * @throws AssembleError at the first token that does not fit.
 */
export function parseInfix(reader: TokenReader, opcode: number | undefined): ParsedInstruction {
  if (seesRegister(reader)) return parseRegisterStatement(reader, opcode);
  if (reader.accept("if")) return parseBranch(reader);
  if (reader.accept("*")) return parseStore(reader);
  if (reader.accept("lock")) return parseLock(reader);
  if (reader.accept("store_release")) return parseStoreRelease(reader);
  if (reader.accept("ld_pseudo")) return parsePseudo(reader);
  const long = reader.next().text === "gotol";
  const { distance, named } = readTarget(reader, long ? 32 : 16);
  return parsedAs({ kind: "goto", long }, distance === undefined ? {} : { [long ? "imm" : "offset"]: distance }, named);
}

function parseRegisterStatement(reader: TokenReader, opcode: number | undefined): ParsedInstruction {
  const dst = readRegister(reader);
  if (reader.accept("=")) return readAssigned(reader, dst, opcode);
  const symbol = reader.current;
  const operation = symbol.kind === "operator" ? aluBySymbol.get(symbol.text) : undefined;
  if (operation === undefined) return reader.fail('an assignment operator ("=", "+=", "s>>=" ...)');
  reader.next();
  const { width } = dst;
  if (seesRegister(reader)) {
    const src = readRegisterOf(reader, width);
    return parsedAs({ kind: "alu", operation, width, source: "reg" }, { dst: dst.number, src });
  }
  const imm = readImmediate(reader, "a register or a number");
  return parsedAs({ kind: "alu", operation, width, source: "imm" }, { dst: dst.number, imm });
}

function parseBranch(reader: TokenReader): ParsedInstruction {
  const left = readRegister(reader);
  const symbol = reader.current;
  const comparison = symbol.kind === "operator" ? comparisonBySymbol.get(symbol.text) : undefined;
  if (comparison === undefined) return reader.fail('a comparison ("==", "!=", "s>", "&" ...)');
  reader.next();
  const { number: dst, width } = left;
  const operand = seesRegister(reader)
    ? { source: "reg" as const, fields: { src: readRegisterOf(reader, width) } }
    : { source: "imm" as const, fields: { imm: readImmediate(reader, "a register or a number") } };
  reader.expect("goto");
  const { distance, named } = readTarget(reader, 16);
  const form = { kind: "branch", comparison, width, source: operand.source } as const;
  return parsedAs(form, { dst, ...operand.fields, ...(distance === undefined ? {} : { offset: distance }) }, named);
}

function parseStore(reader: TokenReader): ParsedInstruction {
  const size = readUnsignedSize(reader);
  const address = readAddress(reader);
  reader.expect("=");
  const operands = { dst: address.base, offset: address.offset };
  if (seesRegister(reader)) {
    return parsedAs({ kind: "store", size, source: "reg" }, { ...operands, src: readAccessed(reader, size) });
  }
  const imm = readImmediate(reader, "a register or a number");
  return parsedAs({ kind: "store", size, source: "imm" }, { ...operands, imm });
}

function parseLock(reader: TokenReader): ParsedInstruction {
  reader.expect("*");
  const sizeToken = reader.peek(1);
  const size = readUnsignedSize(reader);
  if (size !== 4 && size !== 8) return reader.fail("u32 or u64, the sizes of atomics", sizeToken);
  const { base: dst, offset } = readAddress(reader);
  const operation = atomicBySymbol.get(reader.current.text);
  if (operation === undefined) return reader.fail('"+=", "|=", "&=" or "^="');
  reader.next();
  const src = readAccessed(reader, size);
  return parsedAs({ kind: "atomic", operation, fetch: false, size }, { dst, offset, src });
}

function parseStoreRelease(reader: TokenReader): ParsedInstruction {
  reader.expect("(");
  const size = readUnsignedSize(reader);
  const { base: dst, offset } = readAddress(reader);
  reader.expect(",");
  const src = readAccessed(reader, size);
  reader.expect(")");
  return parsedAs({ kind: "store_release", size }, { dst, offset, src });
}

/** LLVM's spelling of a lddw whose constant is more than that: `ld_pseudo r1, 1, 5`. */
function parsePseudo(reader: TokenReader): ParsedInstruction {
  const dst = readRegisterOf(reader, 64);
  reader.expect(",");
  const sourceToken = reader.current;
  const source = (["imm", "map_fd", "map_value", "btf_id", "func", "map_idx", "map_idx_value"] as const)[
    readImmediate(reader)
  ];
  if (source === undefined) return reader.fail("0 to 6, what a lddw's constant can be", sourceToken);
  reader.expect(",");
  return parsedAs({ kind: "load_imm64", source }, { dst, imm: readImmediate(reader) });
}
