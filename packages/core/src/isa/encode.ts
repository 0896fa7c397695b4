import type { InstructionForm } from "./form.js";
import type { Instruction } from "./instruction.js";
import { OPCODE_LDDW } from "./instruction.js";
import type { InstructionField, InstructionRow } from "./row.js";
import { instructionTable } from "./table.js";

/** The operands of an instruction; those that its row does not use are left out. */
export type OperandValues = Readonly<Partial<Record<InstructionField, number>>>;

const formFields = [
  "kind",
  "operation",
  "width",
  "source",
  "from",
  "order",
  "bits",
  "size",
  "signed",
  "fetch",
  "mode",
  "long",
  "comparison",
  "target",
] as const;

/** All that tells one form from another, as a string. */
function formKey(form: InstructionForm): string {
  const fields: Partial<Record<(typeof formFields)[number], unknown>> = form;
  return formFields.map((field) => fields[field] ?? "").join(" ");
}

const rowsByForm: ReadonlyMap<string, InstructionRow> = new Map(
  instructionTable.map((row) => [formKey(row), row] as const),
);

/** The row of the instruction table that does this; undefined where no encoding does (a 32-bit move of s32, say). */
export function rowOfForm(form: InstructionForm): InstructionRow | undefined {
  return rowsByForm.get(formKey(form));
}

/** Puts operands into a row's encoding. Ranges are the caller's business. */
export function encodeRow(row: InstructionRow, operands: OperandValues): Instruction {
  const field = (name: InstructionField): number => row.fixed[name] ?? operands[name] ?? 0;
  const instruction = {
    opcode: row.opcode,
    dst: field("dst"),
    src: field("src"),
    offset: field("offset"),
    imm: field("imm"),
  };
  return row.opcode === OPCODE_LDDW ? { ...instruction, immHigh: field("immHigh") } : instruction;
}

/** Both halves of a 64-bit constant, signed or unsigned. */
export function wideImmediates(value: bigint): { readonly imm: number; readonly immHigh: number } {
  return { imm: Number(BigInt.asIntN(32, value)), immHigh: Number(BigInt.asIntN(32, value >> 32n)) };
}
