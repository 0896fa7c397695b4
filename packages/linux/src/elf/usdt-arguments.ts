import { FormatError } from "@tsbpf/core/base";

/** Where one argument of a USDT probe is. */
export interface UsdtArgument {
  readonly kind: "constant" | "register" | "memory";
  /** The constant; of memory the offset from what the register holds. */
  readonly value: bigint;
  /** Bytes from the start of the saved registers (`struct pt_regs`, on arm64 `struct user_pt_regs`). */
  readonly registerOffset: number;
  /** Bytes. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
}

/** 64-bit registers of x86-64 in the order of `struct pt_regs`, each with its parts' names. */
const x86Registers: readonly (readonly string[])[] = [
  ["r15", "r15d", "r15w", "r15b"],
  ["r14", "r14d", "r14w", "r14b"],
  ["r13", "r13d", "r13w", "r13b"],
  ["r12", "r12d", "r12w", "r12b"],
  ["rbp", "ebp", "bp", "bpl"],
  ["rbx", "ebx", "bx", "bl"],
  ["r11", "r11d", "r11w", "r11b"],
  ["r10", "r10d", "r10w", "r10b"],
  ["r9", "r9d", "r9w", "r9b"],
  ["r8", "r8d", "r8w", "r8b"],
  ["rax", "eax", "ax", "al"],
  ["rcx", "ecx", "cx", "cl"],
  ["rdx", "edx", "dx", "dl"],
  ["rsi", "esi", "si", "sil"],
  ["rdi", "edi", "di", "dil"],
  [],
  ["rip", "eip", "ip"],
  [],
  [],
  ["rsp", "esp", "sp", "spl"],
];

const x86Offsets: ReadonlyMap<string, number> = new Map(
  x86Registers.flatMap((names, i) => names.map((name) => [name, i * 8] as const)),
);

function registerOffset(name: string, architecture: string): number {
  let offset: number | undefined;
  if (architecture === "arm64") {
    const number = /^[xw](\d+)$/.exec(name)?.[1];
    if (number !== undefined && Number(number) <= 30) offset = Number(number) * 8;
    else if (name === "sp") offset = 31 * 8;
  } else {
    offset = x86Offsets.get(name);
  }
  if (offset === undefined) throw new FormatError(`USDT argument in a register ${name}, which is not known`);
  return offset;
}

/**
 * Reads the arguments of a USDT probe in SystemTap's notation, `"-4@%edi 8@-16(%rbp) 4@$5"`; on arm64
 * `"-4@x0 8@[sp, 16] 4@5"`.
 *
 * @throws FormatError for what a program could not read: index registers, symbols, floating point
 */
export function parseUsdtArguments(text: string, architecture: string = process.arch): UsdtArgument[] {
  const parts = text.match(/\S+@(?:\[[^\]]*\]|\S+)/g) ?? [];
  if (parts.join("").replace(/\s/g, "") !== text.replace(/\s/g, "")) {
    throw new FormatError(`USDT arguments are not understood: ${text}`);
  }
  return parts.map((part) => parseArgument(part, architecture));
}

function parseArgument(part: string, architecture: string): UsdtArgument {
  const [, sign, size, place] = /^(-?)([1248])@(.+)$/.exec(part) ?? [];
  if (place === undefined) throw new FormatError(`USDT argument is not understood: ${part}`);
  const common = { size: Number(size) as UsdtArgument["size"], signed: sign === "-" };
  const at = (register: string) => registerOffset(register, architecture);
  const constant = /^\$?(-?(?:0x[0-9a-f]+|\d+))$/i.exec(place)?.[1];
  if (constant !== undefined) return { kind: "constant", value: integer(constant), registerOffset: 0, ...common };
  const memory = architecture === "arm64" ? /^\[(\w+)(?:,\s*(-?\d+))?\]$/.exec(place) : undefined;
  if (memory) return { kind: "memory", value: integer(memory[2] ?? "0"), registerOffset: at(memory[1]!), ...common };
  const indirect = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)\)$/i.exec(place);
  if (indirect)
    return { kind: "memory", value: integer(indirect[1] ?? "0"), registerOffset: at(indirect[2]!), ...common };
  const register = /^%?(\w+)$/.exec(place)?.[1];
  if (register !== undefined) return { kind: "register", value: 0n, registerOffset: at(register), ...common };
  throw new FormatError(`USDT argument is not understood: ${part}`);
}

function integer(text: string): bigint {
  return text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
}

const ARGUMENT_SIZE = 16;
const MAX_ARGUMENTS = 12;
const COOKIE_AT = MAX_ARGUMENTS * ARGUMENT_SIZE;
const COUNT_AT = COOKIE_AT + 8;
/** Bytes of what `bpf_usdt_arg()` of libbpf's usdt.bpf.h looks up in its map `__bpf_usdt_specs`. */
export const USDT_SPEC_SIZE = 208;
const kinds = { constant: 0, register: 1, memory: 2 } as const;

/** The arguments as that header wants them: 12 descriptions of 16 bytes, the cookie, the count. */
export function encodeUsdtSpec(args: readonly UsdtArgument[], cookie: bigint): Uint8Array {
  if (args.length > MAX_ARGUMENTS)
    throw new FormatError(`a USDT probe has ${args.length} arguments, ${MAX_ARGUMENTS} are read`);
  const bytes = new Uint8Array(USDT_SPEC_SIZE);
  const view = new DataView(bytes.buffer);
  args.forEach((arg, i) => {
    const at = i * ARGUMENT_SIZE;
    view.setBigInt64(at, BigInt.asIntN(64, arg.value), true);
    view.setUint32(at + 8, kinds[arg.kind], true);
    view.setInt16(at + 12, arg.registerOffset, true);
    view.setUint8(at + 14, arg.signed ? 1 : 0);
    view.setUint8(at + 15, 64 - arg.size * 8);
  });
  view.setBigUint64(COOKIE_AT, cookie, true);
  view.setUint16(COUNT_AT, args.length, true);
  return bytes;
}
