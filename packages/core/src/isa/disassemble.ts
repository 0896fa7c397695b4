import { classify } from "./classify.js";
import { checkEncoding } from "./encoding.js";
import { formatAtomic, formatForm, type InstructionNames, type Placed } from "./format.js";
import { decodeSlots, type Instruction, OPCODE_LDDW, type Slots } from "./instruction.js";
import { notations } from "./notation.js";
import * as op from "./opcodes.js";

/** How {@link disassemble} and its kin write. */
export interface DisassembleOptions {
  /**
   * - `kernel` (default): what the verifier log and `bpftool prog dump` print, without the leading `(07) `.
   * - `assembly`: the same where that can be read back in only one way, and made so where not: constants of 64 bits
   *   get LLVM's ` ll`, kfuncs say so, and slots that are no instruction become `.8byte`. Assembling it gives the same
   *   bytes again.
   * - `llvm`: what llvm-objdump prints.
   */
  readonly style?: keyof typeof notations;
  readonly names?: InstructionNames;
}

/** One instruction of a listing. */
export interface DisassembledLine {
  readonly slot: number;
  /** Label of this slot, in the `assembly` style, where something jumps or calls here. */
  readonly label?: string;
  readonly text: string;
}

/** Text of the instruction at `slot`. Cheap enough to be called for every step of a verifier log. */
export function disassembleSlot(slots: Slots, slot: number, options: DisassembleOptions = {}): string {
  const instruction = {
    opcode: slots.opcode[slot]!,
    dst: slots.dst[slot]!,
    src: slots.src[slot]!,
    offset: slots.offset[slot]!,
    imm: slots.imm[slot]!,
    slot,
  };
  return format(isWide(slots, slot) ? { ...instruction, immHigh: slots.imm[slot + 1]! } : instruction, options);
}

/** Text of an instruction value; `slot` (default 0) is where it stands, which names of jump targets depend on. */
export function disassembleInstruction(instruction: Instruction, options: DisassembleOptions = {}, slot = 0): string {
  return format({ ...instruction, slot }, options);
}

/**
 * Lists a program. In the `assembly` style every slot that something jumps or calls to gets a label (`names.label`, else
 * `L` and the slot's number), so that the lines can be edited and assembled again.
 *
 * @throws FormatError when bytes are given whose length is not a multiple of 8.
 */
export function disassemble(program: Uint8Array | Slots, options: DisassembleOptions = {}): DisassembledLine[] {
  const slots = program instanceof Uint8Array ? decodeSlots(program) : program;
  const labels = options.style === "assembly" ? labelTargets(slots, options.names ?? {}) : undefined;
  const labelled: DisassembleOptions =
    labels === undefined ? options : { ...options, names: { ...options.names, label: (slot) => labels.get(slot) } };
  const lines: DisassembledLine[] = [];
  for (let slot = 0; slot < slots.length; slot++) {
    const label = labels?.get(slot);
    const text = disassembleSlot(slots, slot, labelled);
    lines.push(label === undefined ? { slot, text } : { slot, label, text });
    if (isWide(slots, slot)) slot++;
  }
  return lines;
}

/** Whether the slot is a lddw that has its second slot. */
function isWide(slots: Slots, slot: number): boolean {
  if (slots.opcode[slot] !== OPCODE_LDDW || slot + 1 >= slots.length) return false;
  const next = slot + 1;
  return (slots.opcode[next]! | slots.dst[next]! | slots.src[next]! | slots.offset[next]!) === 0;
}

function labelTargets(slots: Slots, names: InstructionNames): Map<number, string> {
  const starts = new Set<number>();
  const targets = new Set<number>();
  for (let slot = 0; slot < slots.length; slot++) {
    starts.add(slot);
    const row = classify(slots.opcode[slot]!, slots.src[slot]!, slots.offset[slot]!, slots.imm[slot]!);
    if (row?.distance !== undefined) targets.add(slot + 1 + slots[row.distance][slot]!);
    if (isWide(slots, slot)) slot++;
  }
  const labels = new Map<number, string>();
  for (const slot of targets) {
    if (starts.has(slot)) labels.set(slot, names.label?.(slot) ?? `L${slot}`);
  }
  return labels;
}

function format(insn: Placed, options: DisassembleOptions): string {
  const style = options.style ?? "kernel";
  const row = classify(insn.opcode, insn.src, insn.offset, insn.imm);
  if (style === "assembly" && (row === undefined || isLossy(insn))) return formatRaw(insn);
  if (row !== undefined) return formatForm(row, insn, notations[style], options.names ?? {});
  return style === "llvm" ? "<unknown>" : formatUndefined(insn, options.names ?? {});
}

/** Whether the text would leave out something that is in the slot. */
function isLossy(insn: Placed): boolean {
  return (insn.opcode === OPCODE_LDDW && insn.immHigh === undefined) || checkEncoding(insn) !== undefined;
}

function formatRaw(insn: Placed): string {
  const low = ((insn.offset & 0xffff) << 16) | (insn.src << 12) | (insn.dst << 8) | insn.opcode;
  const first = `.8byte 0x${hex32(insn.imm)}${hex32(low)}`;
  return insn.immHigh === undefined ? first : `${first}, 0x${hex32(insn.immHigh)}00000000`;
}

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");

/**
 * What the kernel prints of encodings that it goes on to reject: it looks at fewer fields than the table does, so most
 * read like a relative of theirs.
 */
function formatUndefined(insn: Placed, names: InstructionNames): string {
  const { opcode, dst, src, offset, imm } = insn;
  const opcodeClass = opcode & op.BPF_CLASS_MASK;
  const isAlu = opcodeClass === op.BPF_ALU || opcodeClass === op.BPF_ALU64;
  if (opcode === (op.BPF_ALU64 | op.BPF_MOV | op.BPF_X) && offset === -1)
    return `r${dst} = &(void __percpu *)(r${src})`;
  if (opcode === (op.BPF_ALU | op.BPF_MOV | op.BPF_X) && offset === 32) return `w${dst} = (s32)w${src}`;
  if (isAlu && (opcode & op.BPF_OP_MASK) === op.BPF_END) {
    const order = opcodeClass === op.BPF_ALU64 ? "bswap" : (opcode & op.BPF_SRC_MASK) === op.BPF_TO_BE ? "be" : "le";
    return `r${dst} = ${order}${imm} r${dst}`;
  }
  if (opcodeClass === op.BPF_STX && (opcode & op.BPF_MODE_MASK) === op.BPF_ATOMIC) {
    const relative = classify(op.BPF_STX | op.BPF_ATOMIC | op.BPF_DW, src, offset, imm);
    const size = (opcode & op.BPF_SIZE_MASK) === op.BPF_B ? 1 : 2;
    if (relative?.kind === "atomic") return formatAtomic(relative, size, insn, notations.kernel);
  }
  const relative = isAlu ? classify(opcode, src, 0, imm) : classify(opcode, 0, offset, imm);
  if (relative !== undefined) return formatForm(relative, insn, notations.kernel, names);
  return `BUG_${opcode.toString(16).padStart(2, "0")}`;
}
