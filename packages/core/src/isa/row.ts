import type { InstructionForm } from "./form.js";

/** clang's `-mcpu` level that first emits an instruction. */
export type IsaVersion = "v1" | "v2" | "v3" | "v4";

/**
 * RFC 9669's conformance groups (section 2.4), the conformance suite's `callx`, and `linux` for what the kernel has
 * beyond the RFC.
 */
export type ConformanceGroup =
  | "base32"
  | "base64"
  | "divmul32"
  | "divmul64"
  | "atomic32"
  | "atomic64"
  | "packet"
  | "callx"
  | "linux";

/** A field of an instruction; `immHigh` is lddw's upper half. */
export type InstructionField = "dst" | "src" | "offset" | "imm" | "immHigh";

interface Operands {
  readonly fields: readonly InstructionField[];
  readonly distance?: "offset" | "imm";
}

/** The fields that each operand form has in use. */
const operandForms = {
  none: { fields: [] },
  dst: { fields: ["dst"] },
  "dst, imm": { fields: ["dst", "imm"] },
  "dst, src": { fields: ["dst", "src"] },
  "dst, src, imm": { fields: ["dst", "src", "imm"] },
  "dst, imm64": { fields: ["dst", "imm", "immHigh"] },
  "dst, +imm": { fields: ["dst", "imm"], distance: "imm" },
  "dst, [src+offset]": { fields: ["dst", "src", "offset"] },
  "[dst+offset], imm": { fields: ["dst", "offset", "imm"] },
  "[dst+offset], src": { fields: ["dst", "offset", "src"] },
  "[imm]": { fields: ["imm"] },
  "[src+imm]": { fields: ["src", "imm"] },
  "dst, imm, +offset": { fields: ["dst", "imm", "offset"], distance: "offset" },
  "dst, src, +offset": { fields: ["dst", "src", "offset"], distance: "offset" },
  "+offset": { fields: ["offset"], distance: "offset" },
  "+imm": { fields: ["imm"], distance: "imm" },
  imm: { fields: ["imm"] },
  "imm, offset": { fields: ["imm", "offset"] },
} as const satisfies Record<string, Operands>;

/**
 * An instruction's operands, in the mnemonic style's order. `+offset` and `+imm` are distances in slots, counted from
 * the slot after the instruction's first.
 */
export type OperandForm = keyof typeof operandForms;

/** One row of the instruction table: an encoding, its meaning and where it comes from. */
export type InstructionRow = InstructionForm & {
  readonly opcode: number;
  /** Name in the mnemonic style, e.g. `"add32"` or `"lock fetch add"`. */
  readonly mnemonic: string;
  readonly operands: OperandForm;
  /**
   * What the fields that are no operands must hold: 0 where unused, else the value that tells this row from the others
   * of its opcode. `immHigh` concerns lddw only.
   */
  readonly fixed: Readonly<Partial<Record<InstructionField, number>>>;
  /** The operand that is a distance in slots, if there is one. */
  readonly distance: "offset" | "imm" | undefined;
  readonly isa: IsaVersion;
  readonly group: ConformanceGroup;
  /** Section of RFC 9669; undefined for what only Linux has. */
  readonly section: string | undefined;
  /** First Linux whose verifier takes it, e.g. `"6.6"`; undefined where none does (callx). */
  readonly since: string | undefined;
};

/** What the table's authors write down for a row; the rest follows from it. */
export interface RowFacts {
  readonly opcode: number;
  readonly mnemonic: string;
  readonly operands: OperandForm;
  /** Values of fields that tell rows of one opcode apart. */
  readonly selects?: InstructionRow["fixed"];
  readonly isa?: IsaVersion;
  readonly group: ConformanceGroup;
  readonly section?: string;
  /** {@link InstructionRow.since}; `"3.18"`, the first kernel with bpf(2), unless said. */
  readonly since?: string | undefined;
}

export function createRow(facts: RowFacts, form: InstructionForm): InstructionRow {
  const operands: Operands = operandForms[facts.operands];
  const fixed: Partial<Record<InstructionField, number>> = {};
  for (const field of ["dst", "src", "offset", "imm", "immHigh"] as const) {
    if (!operands.fields.includes(field)) fixed[field] = facts.selects?.[field] ?? 0;
  }
  return Object.freeze({
    ...form,
    opcode: facts.opcode,
    mnemonic: facts.mnemonic,
    operands: facts.operands,
    fixed: Object.freeze(fixed),
    distance: operands.distance,
    isa: facts.isa ?? "v1",
    group: facts.group,
    section: facts.section,
    since: "since" in facts ? facts.since : "3.18",
  });
}
