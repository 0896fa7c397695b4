import { type OperandValues, rowOfForm } from "./encode.js";
import type { InstructionForm } from "./form.js";
import type { Token } from "./lexer.js";
import type { InstructionRow } from "./row.js";

/** Something named in an operand, to be filled in once all of the source is read. */
export interface NamedOperand {
  /** Where the name stands. */
  readonly token: Token;
  readonly name: string;
  /**
   * - `target`: a label that a jump goes to, or a function that a call goes to or a lddw takes the address of; its
   *   distance goes into the row's distance field.
   * - `callee`: as `target`, or a helper's name.
   * - `address`: what `name ll` loads the address of: a map, a function or data.
   * - `map`, `map_value`: `map[name]`, `map[name][0]+8`.
   */
  readonly use: "target" | "callee" | "address" | "map" | "map_value";
}

/** An instruction as read: its row, its operands, and a name that stands for one that is not known yet. */
export interface ParsedInstruction {
  readonly row: InstructionRow;
  readonly operands: OperandValues;
  readonly named?: NamedOperand | undefined;
}

/** An instruction of the given form; parsers ask only for forms that the table has. */
export function parsedAs(form: InstructionForm, operands: OperandValues, named?: NamedOperand): ParsedInstruction {
  const row = rowOfForm(form);
  if (row === undefined) throw new TypeError(`no instruction is ${JSON.stringify(form)}`);
  return { row, operands, named };
}
