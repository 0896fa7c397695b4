/**
 * How a number, an address or a register is written in one of the disassembler's styles. The sentences around them are
 * the same in all styles.
 */
export interface Notation {
  /** The operand of arithmetic, of a store and of a packet load. */
  number(value: number): string;
  /** The operand of a comparison. */
  compared(value: number): string;
  /** ` +4`, or ` + 0x4`, after the base register of an address. */
  displacement(offset: number): string;
  /** Address of a packet load relative to a register. */
  indirect(register: string, imm: number): string;
  /** Where a jump goes; `label` is what the caller calls that slot, if anything. */
  target(distance: number, label: string | undefined): string;
  /** Where a call within the program goes. */
  callee(distance: number, label: string | undefined): string;
  helper(id: number, name: string | undefined): string;
  kfunc(id: number, fdIndex: number, name: string | undefined): string;
  /** The constant of a lddw. */
  wideConstant(imm: number, immHigh: number): string;
  /** A whole lddw whose constant stands for something else, where the style has no words for what. */
  pseudo?(dst: number, src: number, imm: number): string;
  /** A register in an access of `bits` bits; only LLVM tells 32-bit loads and stores by it. */
  accessed(register: number, bits: number): string;
  /** The function whose address a lddw takes. */
  functionAt(distance: number, label: string | undefined): string;
  /** An atomic exchange of memory at `address` (base register and displacement) and `register`. */
  exchange(operation: "xchg" | "cmpxchg", bits: number, address: string, register: string): string;
  /** What precedes `_fetch_add`. */
  atomicPrefix(bits: number): string;
}

const signed = (value: number): string => (value < 0 ? String(value) : `+${value}`);
const hex = (value: number): string => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
const unsignedHex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** `0x` and the 64 bits of a lddw. */
export function wideHex(imm: number, immHigh: number): string {
  const low = (imm >>> 0).toString(16);
  return immHigh === 0 ? `0x${low}` : `0x${(immHigh >>> 0).toString(16)}${low.padStart(8, "0")}`;
}

const kernelAtomic = (bits: number): string => (bits === 64 ? "atomic64" : "atomic");

/** Hex digits of the absolute value of a negative 64-bit number. */
function negatedHex(imm: number, immHigh: number): string {
  const low = -imm >>> 0;
  const high = (low === 0 ? -immHigh : ~immHigh) >>> 0;
  return high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, "0");
}

/** What the kernel's verifier log and bpftool print. */
const kernel: Notation = {
  number: String,
  compared: unsignedHex,
  displacement: (offset) => ` ${signed(offset)}`,
  indirect: (register, imm) => `${register} + ${imm}`,
  target: (distance) => `pc${signed(distance)}`,
  callee: (distance, label) => `pc${signed(distance)}${label === undefined ? "" : `#${label}`}`,
  helper: (id, name) => `${name ?? "unknown"}#${id}`,
  kfunc: (id, _fdIndex, name) => `${name ?? "kernel-function"}#${id}`,
  wideConstant: wideHex,
  functionAt: (distance) => signed(distance),
  accessed: (register) => `r${register}`,
  exchange: (operation, bits, address, register) =>
    operation === "xchg"
      ? `${register} = ${kernelAtomic(bits)}_xchg((u${bits} *)(${address}), ${register})`
      : `r0 = ${kernelAtomic(bits)}_cmpxchg((u${bits} *)(${address}), r0, ${register})`,
  atomicPrefix: kernelAtomic,
};

/** The kernel's, made unambiguous where the kernel's own text is not, and with labels. The assembler reads it back. */
const assembly: Notation = {
  ...kernel,
  target: (distance, label) => label ?? kernel.target(distance, undefined),
  callee: (distance, label) => label ?? kernel.callee(distance, undefined),
  functionAt: (distance, label) => label ?? signed(distance),
  kfunc: (id, fdIndex, name) => `kfunc ${name ?? "unknown"}#${id}${fdIndex === 0 ? "" : ` [idx:${fdIndex}]`}`,
  wideConstant: (imm, immHigh) => `${wideHex(imm, immHigh)} ll`,
};

/** What llvm-objdump prints. */
const llvm: Notation = {
  number: hex,
  compared: hex,
  displacement: (offset) => (offset < 0 ? ` - ${hex(-offset)}` : ` + ${hex(offset)}`),
  indirect: (register) => register,
  target: (distance, label) =>
    `${distance < 0 ? "-" : "+"}${hex(Math.abs(distance))}${label === undefined ? "" : ` <${label}>`}`,
  callee: (distance, label) => label ?? hex(distance),
  helper: (id) => hex(id),
  kfunc: (id) => hex(id),
  wideConstant: (imm, immHigh) => (immHigh < 0 ? `-0x${negatedHex(imm, immHigh)} ll` : `${wideHex(imm, immHigh)} ll`),
  pseudo: (dst, src, imm) => `ld_pseudo\tr${dst}, ${hex(src)}, ${unsignedHex(imm)}`,
  functionAt: (distance) => signed(distance),
  accessed: (register, bits) => `${bits === 64 ? "r" : "w"}${register}`,
  exchange: (operation, bits, address, register) => {
    const name = bits === 64 ? `${operation}_64` : `${operation}32_32`;
    const r0 = bits === 64 ? "r0" : "w0";
    return operation === "xchg"
      ? `${register} = ${name}(${address}, ${register})`
      : `${r0} = ${name}(${address}, ${r0}, ${register})`;
  },
  atomicPrefix: () => "atomic",
};

/** The disassembler's styles. */
export const notations = { kernel, assembly, llvm } as const satisfies Record<string, Notation>;
