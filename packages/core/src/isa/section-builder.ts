import { AssembleError, ByteWriter } from "../base/index.js";
import type {
  AssemblyFunction,
  AssemblyLine,
  AssemblyPointer,
  AssemblyReference,
  AssemblySection,
  AssemblyVariable,
} from "./assembly.js";
import { encodeRow } from "./encode.js";
import { encodeInstructions, type Instruction, SLOT_SIZE, writeInstruction } from "./instruction.js";
import type { Token } from "./lexer.js";
import type { NamedOperand, ParsedInstruction } from "./parsed.js";

/** Bytes that one section may have: twice the million slots that a kernel verifies at most. */
const MAX_SECTION_SIZE = 16_000_000;

/** An instruction with an operand that waits for the end of the source. */
export interface Fixup extends ParsedInstruction {
  readonly slot: number;
  readonly named: NamedOperand;
}

/** A section while it is being read. */
export class SectionBuilder {
  readonly name: string;
  readonly fixups: Fixup[] = [];
  readonly references: AssemblyReference[] = [];
  /** Names whose addresses data holds. */
  readonly pointers: AssemblyPointer[] = [];
  /** Functions by slot. */
  readonly functions = new Map<number, AssemblyFunction>();
  /** Byte offsets of each numeric label, ascending. */
  readonly numericLabels = new Map<string, number[]>();
  /** Slot of the first `exit`, which is where the mnemonic style's unwritten label `exit` stands. */
  firstExit: number | undefined;
  readonly #lines: AssemblyLine[] = [];
  readonly #writer = new ByteWriter({ capacity: 256 });

  constructor(name: string) {
    this.name = name;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#writer.length;
  }

  get hasCode(): boolean {
    return this.#lines.length > 0;
  }

  instruction(parsed: ParsedInstruction, start: Token): void {
    this.#reserve(2 * SLOT_SIZE, start);
    if (this.size % SLOT_SIZE !== 0) {
      throw new AssembleError(`an instruction cannot start at byte ${this.size}`, start.line, start.column);
    }
    const slot = this.size / SLOT_SIZE;
    const { row, operands, named } = parsed;
    if (named !== undefined) this.fixups.push({ row, operands, named, slot });
    if (row.kind === "exit") this.firstExit ??= slot;
    this.#lines.push({ slot, line: start.line, column: start.column });
    writeInstruction(this.#writer, encodeRow(row, operands));
  }

  data(bytes: Uint8Array, token: Token): void {
    this.#reserve(bytes.length, token);
    this.#writer.raw(bytes);
  }

  /** Eight bytes for the address of a name. */
  pointer(name: Token): void {
    this.pointers.push({ offset: this.size, symbol: name.text });
    this.zeros(8, name);
  }

  zeros(count: number, token: Token): void {
    this.#reserve(count, token);
    this.#writer.raw(new Uint8Array(count));
  }

  #reserve(bytes: number, token: Token): void {
    if (this.size + bytes > MAX_SECTION_SIZE) {
      throw new AssembleError(`section ${this.name} is over ${MAX_SECTION_SIZE} bytes`, token.line, token.column);
    }
  }

  /** The section, with the instructions at the slots of `patches` replaced by others of the same length. */
  finish(patches: ReadonlyMap<number, Instruction>, variables: readonly AssemblyVariable[]): AssemblySection {
    const bytes = this.#writer.finish();
    for (const [slot, instruction] of patches) bytes.set(encodeInstructions([instruction]), slot * SLOT_SIZE);
    return {
      name: this.name,
      code: this.hasCode,
      bytes,
      functions: [...this.functions.values()].sort((a, b) => a.slot - b.slot),
      references: this.references,
      pointers: this.pointers,
      variables,
      lines: this.#lines,
    };
  }
}
