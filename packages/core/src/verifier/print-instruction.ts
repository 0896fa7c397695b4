import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32, BPF_LD, BPF_LDX, BPF_ST, type Slots } from "../isa/index.js";

const aluSigns = ["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"];
const jumpSigns = ["jmp", "==", ">", ">=", "&", "!=", "s>", "s>=", "call", "exit", "<", "<=", "s<", "s<="];
const sizes = ["u32", "u16", "u8", "u64"];
const signedSizes = ["s32", "s16", "s8", ""];
const atomicNames: Readonly<Record<number, string>> = { 0: "add", 64: "or", 80: "and", 160: "xor" };

function hex2(opcode: number): string {
  return `(${opcode.toString(16).padStart(2, "0")})`;
}

function signed(n: number): string {
  return n < 0 ? `${n}` : `+${n}`;
}

/** Names that a call's text shows; the printer itself knows none. */
export interface InstructionNames {
  /** Of a helper; undefined for an unknown number. */
  helper(id: number): string | undefined;
  kfunc(slot: number): string | undefined;
  /** Text of a lddw's constant that stands for something else, e.g. a map's address. */
  constant(slot: number): string | undefined;
}

/** One instruction in the form of the kernel's log, without a newline. */
export function printInstruction(insns: Slots, slot: number, names: InstructionNames): string {
  const opcode = insns.opcode[slot]!;
  const head = hex2(opcode);
  switch (opcode & 7) {
    case BPF_ALU:
    case BPF_ALU64:
      return `${head} ${printAlu(insns, slot)}`;
    case BPF_JMP:
    case BPF_JMP32:
      return `${head} ${printJump(insns, slot, names)}`;
    case BPF_LD:
      return printLoadImmediate(insns, slot, head, names);
    default:
      return printMemory(insns, slot, head);
  }
}

function printAlu(insns: Slots, slot: number): string {
  const opcode = insns.opcode[slot]!;
  const operation = opcode >> 4;
  const is64 = (opcode & 7) === BPF_ALU64;
  const w = is64 ? "r" : "w";
  const dst = insns.dst[slot]!;
  const src = insns.src[slot]!;
  const offset = insns.offset[slot]!;
  const imm = insns.imm[slot]!;
  if (operation === 13) {
    return is64 ? `r${dst} = bswap${imm} r${dst}` : `r${dst} = ${(opcode & 8) !== 0 ? "be" : "le"}${imm} r${dst}`;
  }
  if (operation === 8) return `${w}${dst} = -${w}${dst}`;
  if (opcode === 0xbf && offset === 1) {
    return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
  }
  const isSigned = (operation === 3 || operation === 9) && offset === 1;
  const sign = isSigned ? `s${aluSigns[operation]}` : aluSigns[operation];
  if ((opcode & 8) === 0) return `${w}${dst} ${sign} ${imm}`;
  const extend = operation === 11 && (offset === 8 || offset === 16 || offset === 32) ? `(s${offset})` : "";
  return `${w}${dst} ${sign} ${extend}${w}${src}`;
}

function printJump(insns: Slots, slot: number, names: InstructionNames): string {
  const opcode = insns.opcode[slot]!;
  const operation = opcode >> 4;
  const imm = insns.imm[slot]!;
  const src = insns.src[slot]!;
  const offset = insns.offset[slot]!;
  const is32 = (opcode & 7) === BPF_JMP32;
  if (operation === 8) {
    if (src === 1) return `call pc${signed(imm)}`;
    const name = src === 2 ? names.kfunc(slot) : names.helper(imm);
    const full = src === 2 ? (name ?? "kernel-function") : (name ?? "unknown");
    return `call ${full}#${imm}`;
  }
  if (opcode === 0x05) return `goto pc${signed(offset)}`;
  if (opcode === 0x06) return `gotol pc${signed(imm)}`;
  if (opcode === 0x95) return "exit";
  if (opcode === 0xe5) return `may_goto pc${signed(offset)}`;
  const w = is32 ? "w" : "r";
  const right = (opcode & 8) !== 0 ? `${w}${src}` : `0x${(imm >>> 0).toString(16)}`;
  return `if ${w}${insns.dst[slot]} ${jumpSigns[operation]} ${right} goto pc${signed(offset)}`;
}

function printLoadImmediate(insns: Slots, slot: number, head: string, names: InstructionNames): string {
  const opcode = insns.opcode[slot]!;
  const imm = insns.imm[slot]!;
  const size = sizes[(opcode >> 3) & 3];
  switch (opcode & 0xe0) {
    case 0x20:
      return `${head} r0 = *(${size} *)skb[${imm}]`;
    case 0x40:
      return `${head} r0 = *(${size} *)skb[r${insns.src[slot]} + ${imm}]`;
    case 0x00: {
      if (((opcode >> 3) & 3) !== 3) break;
      const constant = names.constant(slot);
      if (constant !== undefined) return `${head} r${insns.dst[slot]} = ${constant}`;
      const high = slot + 1 < insns.length ? insns.imm[slot + 1]! >>> 0 : 0;
      const text = ((BigInt(high) << 32n) | BigInt(imm >>> 0)).toString(16);
      return `${head} r${insns.dst[slot]} = 0x${text}`;
    }
    default:
  }
  return `BUG_ld_${opcode.toString(16).padStart(2, "0")}`;
}

function printMemory(insns: Slots, slot: number, head: string): string {
  const opcode = insns.opcode[slot]!;
  const mode = opcode & 0xe0;
  const sizeIndex = (opcode >> 3) & 3;
  const dst = insns.dst[slot]!;
  const src = insns.src[slot]!;
  const offset = signed(insns.offset[slot]!);
  const text = opcode.toString(16).padStart(2, "0");
  if ((opcode & 7) === BPF_LDX) {
    if (mode !== 0x60 && mode !== 0x80) return `BUG_ldx_${text}`;
    return `${head} r${dst} = *(${(mode === 0x60 ? sizes : signedSizes)[sizeIndex]} *)(r${src} ${offset})`;
  }
  if ((opcode & 7) === BPF_ST) {
    return mode === 0x60
      ? `${head} *(${sizes[sizeIndex]} *)(r${dst} ${offset}) = ${insns.imm[slot]}`
      : `BUG_st_${text}`;
  }
  if (mode === 0x60) return `${head} *(${sizes[sizeIndex]} *)(r${dst} ${offset}) = r${src}`;
  return mode === 0xc0 ? printAtomic(insns, slot, head) : `BUG_${text}`;
}

function printAtomic(insns: Slots, slot: number, head: string): string {
  const opcode = insns.opcode[slot]!;
  const imm = insns.imm[slot]!;
  const src = insns.src[slot]!;
  const sizeIndex = (opcode >> 3) & 3;
  const address = `(${sizes[sizeIndex]} *)(r${insns.dst[slot]} ${signed(insns.offset[slot]!)})`;
  const wide = sizeIndex === 3 ? "64" : "";
  if (imm === 0xf1) return `${head} r0 = atomic${wide}_cmpxchg(${address}, r0, r${src})`;
  if (imm === 0xe1) return `${head} r${src} = atomic${wide}_xchg(${address}, r${src})`;
  if (imm === 0x100) {
    return `${head} r${insns.dst[slot]} = load_acquire((${sizes[sizeIndex]} *)(r${src} ${signed(insns.offset[slot]!)}))`;
  }
  if (imm === 0x110) return `${head} store_release(${address}, r${src})`;
  const name = atomicNames[imm & ~1];
  if (name === undefined) return `BUG_${opcode.toString(16).padStart(2, "0")}`;
  if ((imm & 1) === 0) return `${head} lock *${address} ${aluSigns[imm >> 4]} r${src}`;
  return `${head} r${src} = atomic${wide}_fetch_${name}(${address}, r${src})`;
}
