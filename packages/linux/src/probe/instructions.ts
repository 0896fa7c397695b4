import { FileDescriptor, loadProgram } from "../sys/index.js";
import { minimalLoad } from "./program-types.js";

const slot = (opcode: number, registers: number, offset: number, imm: number) => [
  opcode,
  registers,
  offset & 255,
  (offset >> 8) & 255,
  imm & 255,
  (imm >> 8) & 255,
  (imm >> 16) & 255,
  (imm >>> 24) & 255,
];
const set = (value: number) => slot(0xb7, 0, 0, value);
const exit = slot(0x95, 0, 0, 0);

/** What programs may consist of, each with a program that is refused without it. */
const trials = {
  /** More than 4096 slots. Since 5.2. */
  largeInsnLimit: () => [...Array.from({ length: 4096 }, () => set(1)).flat(), ...exit],
  /** Jumps backwards. Since 5.3. */
  boundedLoops: () => [...set(10), ...slot(0x17, 0, 0, 1), ...slot(0x55, 0, -2, 0), ...exit],
  /** The less-than jumps of ISA v2. Since 4.14. */
  v2: () => [...set(0), ...slot(0xa5, 0, 1, 0), ...set(1), ...exit],
  /** The 32-bit jumps of ISA v3. Since 5.1. */
  v3: () => [...set(0), ...slot(0xa6, 0, 1, 0), ...set(1), ...exit],
  /** The long jump of ISA v4. Since 6.6. */
  v4: () => [...set(0), ...slot(0x16, 0, 1, 1), ...slot(0x06, 0, 0, 1), ...set(1), ...exit],
};

/** Does the running kernel take programs that use this? `interfaceIndex` as in `probeProgramType`. */
export function probeInstructions(feature: keyof typeof trials, interfaceIndex = 0): boolean {
  const insns = Uint8Array.from(trials[feature]());
  const { result } = loadProgram(minimalLoad("socket_filter", insns, interfaceIndex));
  if (result < 0) return false;
  new FileDescriptor(result, "probe").close();
  return true;
}
