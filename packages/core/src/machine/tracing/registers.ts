import { BpfError } from "../../base/index.js";

/** x86-64's `struct pt_regs`, in its order: 8 bytes each. */
export const registerNames = [
  ..."r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss".split(" "),
] as readonly string[];

export const PT_REGS_SIZE = registerNames.length * 8;

/** Registers that hold a function's arguments, in their order. */
const argumentRegisters = ["di", "si", "dx", "cx", "r8", "r9"] as const;

/** Registers by name, as a program finds them in `struct pt_regs` (x86-64): those that are not given are 0. */
export type Registers = Readonly<Record<string, number | bigint>>;

/** @throws BpfError `"NO_SUCH_REGISTER"` */
export function encodeRegisters(registers: Registers): Uint8Array {
  const bytes = new Uint8Array(PT_REGS_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [name, value] of Object.entries(registers)) {
    const index = registerNames.indexOf(name);
    if (index < 0) throw new BpfError("NO_SUCH_REGISTER", `pt_regs has no ${name}`, { name });
    view.setBigUint64(index * 8, BigInt.asUintN(64, BigInt(value)), true);
  }
  return bytes;
}

/** The registers at a function's entry: what does not fit into them would be on the stack, which there isn't. */
export function entryRegisters(args: readonly bigint[], ip: bigint): Registers {
  const registers: Record<string, bigint> = { ip };
  args.slice(0, argumentRegisters.length).forEach((value, index) => {
    registers[argumentRegisters[index]!] = value;
  });
  return registers;
}
