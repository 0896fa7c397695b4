import { classifyInstruction, rowsOfOpcode, selectorOfOpcode } from "./classify.js";
import type { Instruction } from "./instruction.js";
import { MAX_BPF_REG } from "./opcodes.js";
import type { ConformanceGroup, InstructionField, InstructionRow } from "./row.js";

/** Why an instruction is no valid encoding. */
export interface EncodingProblem {
  /**
   * - `unknown_opcode`: no instruction has it.
   * - `unknown_variant`: the opcode exists, but `field` holds none of the values that select its meaning.
   * - `reserved_field`: `field` is unused and must be 0.
   * - `register`: `field` names a register beyond r10.
   * - `unsupported_group`: the instruction exists, but in none of the groups asked for.
   */
  readonly code: "unknown_opcode" | "unknown_variant" | "reserved_field" | "register" | "unsupported_group";
  readonly field: InstructionField | "opcode";
  readonly value: number;
  readonly message: string;
}

/**
 * Whether `instruction` is encoded as the RFC demands: a defined opcode, registers that exist, and zeros in all unused
 * fields (RFC 9669 section 3.1: "unused fields SHALL be cleared"). What the program does with it is the verifier's
 * business. Returns the first problem, or undefined.
 *
 * `groups` narrows what is an instruction at all; without it, everything in the table is.
 */
export function checkEncoding(
  instruction: Instruction,
  groups?: ReadonlySet<ConformanceGroup>,
): EncodingProblem | undefined {
  const row = classifyInstruction(instruction);
  if (row === undefined) return checkUnclassified(instruction);
  if (groups !== undefined && !groups.has(row.group)) {
    const message = `${row.mnemonic} is in the group ${row.group}, which is not supported`;
    return { code: "unsupported_group", field: "opcode", value: instruction.opcode, message };
  }
  for (const field of ["dst", "src", "offset", "imm", "immHigh"] as const) {
    const problem = checkField(row, field, instruction[field] ?? 0);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkField(row: InstructionRow, field: InstructionField, value: number): EncodingProblem | undefined {
  const fixed = row.fixed[field];
  if (fixed !== undefined) {
    if (value === fixed) return undefined;
    return {
      code: "reserved_field",
      field,
      value,
      message: `${row.mnemonic} does not use ${field}: ${value} must be ${fixed}`,
    };
  }
  if ((field === "dst" || field === "src") && (value < 0 || value >= MAX_BPF_REG)) {
    return {
      code: "register",
      field,
      value,
      message: `${field} of ${row.mnemonic} is r${value}, and registers end at r10`,
    };
  }
  return undefined;
}

function checkUnclassified(instruction: Instruction): EncodingProblem {
  const { opcode } = instruction;
  const hex = `0x${opcode.toString(16).padStart(2, "0")}`;
  const rows = rowsOfOpcode(opcode);
  if (rows.length === 0) {
    return { code: "unknown_opcode", field: "opcode", value: opcode, message: `no instruction has opcode ${hex}` };
  }
  const field = selectorOfOpcode(opcode)!;
  const value = instruction[field];
  const values = rows.map((row) => row.fixed[field] ?? 0).join(", ");
  return {
    code: "unknown_variant",
    field,
    value,
    message: `opcode ${hex} has no meaning with ${field} ${value}; it has with ${values}`,
  };
}
