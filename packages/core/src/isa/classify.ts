import type { Instruction, Slots } from "./instruction.js";
import type { InstructionRow } from "./row.js";
import { instructionTable } from "./table.js";

type Selector = "src" | "offset" | "imm";

interface Variants {
  /** The field that tells the rows apart; absent where there is one row. */
  readonly selector: Selector | undefined;
  readonly only: InstructionRow | undefined;
  readonly byValue: ReadonlyMap<number, InstructionRow>;
}

const variantsByOpcode: readonly (Variants | undefined)[] = indexTable();

function indexTable(): (Variants | undefined)[] {
  const index = new Array<Variants | undefined>(256).fill(undefined);
  for (let opcode = 0; opcode < 256; opcode++) {
    const rows = instructionTable.filter((row) => row.opcode === opcode);
    if (rows.length === 0) continue;
    const selector = selectorOf(rows);
    index[opcode] = {
      selector,
      only: selector === undefined ? rows[0] : undefined,
      byValue: new Map(selector === undefined ? [] : rows.map((row) => [row.fixed[selector] ?? 0, row])),
    };
  }
  return index;
}

/** A field whose fixed value differs between the rows, or is a nonzero one (a row that needs `imm` 16, say). */
function selectorOf(rows: readonly InstructionRow[]): Selector | undefined {
  return (["src", "offset", "imm"] as const).find((field) => rows.some((row) => (row.fixed[field] ?? 0) !== 0));
}

/**
 * The table's row for these fields, or undefined where no instruction is encoded like that. Fields that the row does
 * not use aren't looked at; {@link checkEncoding} does that. Allocates nothing.
 */
export function classify(opcode: number, src: number, offset: number, imm: number): InstructionRow | undefined {
  const variants = variantsByOpcode[opcode];
  if (variants === undefined) return undefined;
  switch (variants.selector) {
    case undefined:
      return variants.only;
    case "src":
      return variants.byValue.get(src);
    case "offset":
      return variants.byValue.get(offset);
    case "imm":
      return variants.byValue.get(imm);
  }
}

/** {@link classify} for an instruction value. */
export function classifyInstruction(instruction: Instruction): InstructionRow | undefined {
  return classify(instruction.opcode, instruction.src, instruction.offset, instruction.imm);
}

/** {@link classify} for the slot at `index`. A lddw's second slot has opcode 0, which is no instruction. */
export function classifySlot(slots: Slots, index: number): InstructionRow | undefined {
  return classify(slots.opcode[index]!, slots.src[index]!, slots.offset[index]!, slots.imm[index]!);
}

/** The field that selects among the rows of `opcode`; undefined where there is at most one row. */
export function selectorOfOpcode(opcode: number): Selector | undefined {
  return variantsByOpcode[opcode]?.selector;
}

/** Rows that share `opcode`, in the table's order; empty for an opcode that doesn't exist. */
export function rowsOfOpcode(opcode: number): readonly InstructionRow[] {
  const variants = variantsByOpcode[opcode];
  if (variants === undefined) return [];
  return variants.only === undefined ? [...variants.byValue.values()] : [variants.only];
}
