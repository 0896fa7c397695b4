import { AssembleError } from "../base/index.js";
import { wideImmediates } from "./encode.js";
import {
  readDisplacement,
  readImmediate,
  readRegisterOf,
  readTarget,
  readWideSource,
  seesRegister,
  seesWideSource,
} from "./operands.js";
import { type NamedOperand, type ParsedInstruction, parsedAs } from "./parsed.js";
import type { InstructionField, InstructionRow } from "./row.js";
import { didYouMean } from "./suggestion.js";
import { instructionTable } from "./table.js";
import type { TokenReader } from "./token-reader.js";

// The style of the conformance suite and of uBPF: `mov32 %r0, 0`, `ldxdw %r1, [%r2+8]`, `lock fetch add [%r10-8], %r1`.

const rowsByMnemonic: ReadonlyMap<string, readonly InstructionRow[]> = indexMnemonics();

function indexMnemonics(): Map<string, InstructionRow[]> {
  const index = new Map<string, InstructionRow[]>();
  const add = (name: string, row: InstructionRow): void => {
    const rows = index.get(name);
    if (rows === undefined) index.set(name, [row]);
    else rows.push(row);
  };
  for (const row of instructionTable) {
    // Calls are written the same way in both styles.
    if (row.kind === "call") continue;
    add(row.mnemonic, row);
    if ((row.kind === "alu" || row.kind === "neg") && row.width === 64) add(`${row.mnemonic}64`, row);
    if (row.kind === "byte_swap" && row.order === "swap") add(`bswap${row.bits}`, row);
    if (row.kind === "atomic") add(row.mnemonic.replace("fetch ", "fetch_"), row);
  }
  return index;
}

/** All words that a statement of this style starts with. */
export const mnemonics: ReadonlySet<string> = new Set([...rowsByMnemonic.keys()].map((name) => name.split(" ")[0]!));

/**
 * Reads one instruction whose first word is one of {@link mnemonics}.
 *
 * @throws AssembleError at the first token that does not fit.
 */
export function parseMnemonic(reader: TokenReader): ParsedInstruction {
  const first = reader.next();
  const name = first.text === "lock" ? readLocked(reader) : first.text;
  const rows = rowsByMnemonic.get(name)!;
  return name === "lddw" ? readWide(reader) : readOperands(reader, rows);
}

/** The words behind `lock`, up to the address. */
function readLocked(reader: TokenReader): string {
  const token = reader.word('an atomic operation ("add", "fetch add", "xchg" ...)');
  const name = token.text === "fetch" ? `lock fetch ${reader.word("an operation").text}` : `lock ${token.text}`;
  if (rowsByMnemonic.has(name)) return name;
  const known = [...rowsByMnemonic.keys()].filter((other) => other.startsWith("lock "));
  throw new AssembleError(`there is no "${name.slice(0, 60)}"${didYouMean(name, known)}`, token.line, token.column);
}

function readWide(reader: TokenReader): ParsedInstruction {
  const dst = readRegisterOf(reader, 64);
  reader.expect(",");
  if (seesWideSource(reader)) {
    const { source, operands, named } = readWideSource(reader);
    return parsedAs({ kind: "load_imm64", source }, { dst, ...operands }, named);
  }
  const form = { kind: "load_imm64", source: "imm" } as const;
  if (reader.seesExpression()) return parsedAs(form, { dst, ...wideImmediates(reader.expression()) });
  const token = reader.word("a number of 64 bits or a name");
  return parsedAs(form, { dst }, { token, name: token.text, use: "address" });
}

/** Reads operands one after the other; where rows differ, what stands there decides between them. */
function readOperands(reader: TokenReader, rows: readonly InstructionRow[]): ParsedInstruction {
  const operands: Partial<Record<InstructionField, number>> = {};
  let candidates = rows;
  let named: NamedOperand | undefined;
  const count = rows[0]!.operands.split(", ").length;
  for (let index = 0; index < count; index++) {
    if (index > 0) reader.expect(",");
    const wanted = seesRegister(reader) ? "src" : "imm";
    const fitting = candidates.filter((row) => row.operands.split(", ")[index] === wanted);
    if (fitting.length > 0) candidates = fitting;
    const row = candidates[0]!;
    named = readOperand(reader, row.operands.split(", ")[index]!, operands) ?? named;
  }
  return { row: candidates[0]!, operands, named };
}

/** Reads what one piece of an operand form stands for into `operands`; returns a name that is to be resolved. */
function readOperand(
  reader: TokenReader,
  piece: string,
  operands: Partial<Record<InstructionField, number>>,
): NamedOperand | undefined {
  switch (piece) {
    case "none":
      return undefined;
    case "dst":
    case "src":
      operands[piece] = readRegisterOf(reader, 64);
      return undefined;
    case "imm":
      operands.imm = readStrictImmediate(reader);
      return undefined;
    case "+offset":
    case "+imm": {
      const { distance, named } = readTarget(reader, piece === "+imm" ? 32 : 16);
      if (distance !== undefined) operands[piece === "+imm" ? "imm" : "offset"] = distance;
      return named;
    }
    default:
      readBracketed(reader, piece, operands);
      return undefined;
  }
}

/** `[%r1+8]`, and the packet loads' `[14]` and `[%r1+14]`. */
function readBracketed(reader: TokenReader, piece: string, operands: Partial<Record<InstructionField, number>>): void {
  reader.expect("[");
  if (piece === "[imm]") {
    operands.imm = readStrictImmediate(reader);
  } else {
    operands[piece.startsWith("[dst") ? "dst" : "src"] = readRegisterOf(reader, 64);
    if (!piece.endsWith("+imm]")) operands.offset = readDisplacement(reader);
    else operands.imm = reader.sees("]") ? 0 : readImmediate(reader);
  }
  reader.expect("]");
}

/** An immediate; in decimal it is a signed number, so that 2147483648 is a mistake where 0x80000000 is not. */
function readStrictImmediate(reader: TokenReader): number {
  const token = reader.current;
  if (token.kind === "number" && !/^0[xb]/i.test(token.text) && token.value! > 0x7fffffffn) {
    throw new AssembleError(
      `${token.text} does not fit 32 signed bits; write hex to give bits`,
      token.line,
      token.column,
    );
  }
  return readImmediate(reader, "a register or a number");
}
