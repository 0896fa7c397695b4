import type { AtomicOperation, InstructionForm, WideSource } from "./form.js";
import type { Instruction } from "./instruction.js";
import type { Notation } from "./notation.js";
import { aluSymbols, atomicSymbols, comparisonSymbols } from "./symbols.js";

/** Names for what an instruction only has numbers of. Each may answer undefined. */
export interface InstructionNames {
  /** A helper's name, with its `bpf_`. */
  helper?(id: number): string | undefined;
  /** A kernel function's name; `fdIndex` says which BTF the id is from, 0 being vmlinux. */
  kfunc?(id: number, fdIndex: number): string | undefined;
  /**
   * Text for what a lddw loads, e.g. `"map[id:3]"`; `slot` is where the lddw stands. (The verifier log has a map's
   * address in the kernel there, and a function's distance in hex.)
   */
  wide?(source: WideSource, imm: number, immHigh: number, slot: number): string | undefined;
  /** The function or label at a slot that a jump or call goes to. */
  label?(slot: number): string | undefined;
}

/** An instruction and where it stands. Without `immHigh`, a lddw lacks its second slot. */
export interface Placed extends Instruction {
  readonly slot: number;
}

/** The text of an instruction of the given form. */
export function formatForm(form: InstructionForm, insn: Placed, as: Notation, names: InstructionNames): string {
  const { dst, src, offset, imm } = insn;
  switch (form.kind) {
    case "alu": {
      const letter = form.width === 64 ? "r" : "w";
      const operand = form.source === "imm" ? as.number(imm) : `${letter}${src}`;
      return `${letter}${dst} ${aluSymbols[form.operation]} ${operand}`;
    }
    case "neg": {
      const register = `${form.width === 64 ? "r" : "w"}${dst}`;
      return `${register} = -${register}`;
    }
    case "movsx": {
      const letter = form.width === 64 ? "r" : "w";
      return `${letter}${dst} = (s${form.from})${letter}${src}`;
    }
    case "byte_swap":
      return `r${dst} = ${form.order === "swap" ? "bswap" : form.order}${form.bits} r${dst}`;
    case "addr_space_cast":
      return `r${dst} = addr_space_cast(r${src}, ${as.number(imm >>> 16)}, ${as.number(imm & 0xffff)})`;
    case "load_imm64":
      return formatWideLoad(form.source, insn, as, names);
    case "load": {
      const register = form.signed ? `r${dst}` : as.accessed(dst, form.size * 8);
      return `${register} = *(${form.signed ? "s" : "u"}${form.size * 8} *)(r${src}${as.displacement(offset)})`;
    }
    case "store": {
      const operand = form.source === "imm" ? as.number(imm) : as.accessed(src, form.size * 8);
      return `*(u${form.size * 8} *)(r${dst}${as.displacement(offset)}) = ${operand}`;
    }
    case "atomic":
      return formatAtomic(form, form.size, insn, as);
    case "load_acquire":
      return `${as.accessed(dst, form.size * 8)} = load_acquire((u${form.size * 8} *)(r${src}${as.displacement(offset)}))`;
    case "store_release":
      return `store_release((u${form.size * 8} *)(r${dst}${as.displacement(offset)}), ${as.accessed(src, form.size * 8)})`;
    case "load_packet":
      return `r0 = *(u${form.size * 8} *)skb[${form.mode === "abs" ? as.number(imm) : as.indirect(`r${src}`, imm)}]`;
    case "goto":
    case "branch":
    case "may_goto":
      return formatJump(form, insn, as, names);
    case "call":
      return formatCall(form.target, insn, as, names);
    case "exit":
      return "exit";
    default:
      return form satisfies never;
  }
}

function formatWideLoad(source: WideSource, insn: Placed, as: Notation, names: InstructionNames): string {
  const { dst, src, imm, immHigh = 0, slot } = insn;
  const named = names.wide?.(source, imm, immHigh, slot);
  if (named === undefined && source !== "imm" && as.pseudo !== undefined) return as.pseudo(dst, src, imm);
  return `r${dst} = ${named ?? wideOperand(source, insn, as, names)}`;
}

function wideOperand(source: WideSource, insn: Placed, as: Notation, names: InstructionNames): string {
  const { imm, immHigh = 0, slot } = insn;
  switch (source) {
    case "imm":
      return as.wideConstant(imm, immHigh);
    case "map_fd":
      return `map[fd:${imm}]`;
    case "map_value":
      return `map[fd:${imm}][0]+${immHigh >>> 0}`;
    case "btf_id":
      return immHigh === 0 ? `btf[id:${imm}]` : `btf[id:${imm}, fd:${immHigh}]`;
    case "func":
      return `subprog[${as.functionAt(imm, names.label?.(slot + 1 + imm))}]`;
    case "map_idx":
      return `map[idx:${imm}]`;
    case "map_idx_value":
      return `map[idx:${imm}][0]+${immHigh >>> 0}`;
    default:
      return source satisfies never;
  }
}

/** Atomics, of sizes too that the kernel prints before it refuses them. */
export function formatAtomic(
  form: { readonly operation: AtomicOperation; readonly fetch: boolean },
  size: number,
  insn: Placed,
  as: Notation,
): string {
  const bits = size * 8;
  const base = `r${insn.dst}${as.displacement(insn.offset)}`;
  const operand = as.accessed(insn.src, bits);
  switch (form.operation) {
    case "xchg":
    case "cmpxchg":
      return as.exchange(form.operation, bits, base, operand);
    case "add":
    case "or":
    case "and":
    case "xor":
      return form.fetch
        ? `${operand} = ${as.atomicPrefix(bits)}_fetch_${form.operation}((u${bits} *)(${base}), ${operand})`
        : `lock *(u${bits} *)(${base}) ${atomicSymbols[form.operation]} ${operand}`;
    default:
      return form.operation satisfies never;
  }
}

function formatJump(
  form: Extract<InstructionForm, { kind: "goto" | "branch" | "may_goto" }>,
  insn: Placed,
  as: Notation,
  names: InstructionNames,
): string {
  const distance = form.kind === "goto" && form.long ? insn.imm : insn.offset;
  const target = as.target(distance, names.label?.(insn.slot + 1 + distance));
  if (form.kind === "may_goto") return `may_goto ${target}`;
  if (form.kind === "goto") return `${form.long ? "gotol" : "goto"} ${target}`;
  const letter = form.width === 64 ? "r" : "w";
  const operand = form.source === "imm" ? as.compared(insn.imm) : `${letter}${insn.src}`;
  return `if ${letter}${insn.dst} ${comparisonSymbols[form.comparison]} ${operand} goto ${target}`;
}

function formatCall(
  target: Extract<InstructionForm, { kind: "call" }>["target"],
  insn: Placed,
  as: Notation,
  names: InstructionNames,
): string {
  switch (target) {
    case "helper":
      return `call ${as.helper(insn.imm, names.helper?.(insn.imm))}`;
    case "kfunc":
      return `call ${as.kfunc(insn.imm, insn.offset, names.kfunc?.(insn.imm, insn.offset))}`;
    case "local":
      return `call ${as.callee(insn.imm, names.label?.(insn.slot + 1 + insn.imm))}`;
    case "register":
      return `callx r${insn.dst}`;
    default:
      return target satisfies never;
  }
}
