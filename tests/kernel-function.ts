import { SyscallError } from "@tsbpf/core/base";
import { assemble } from "@tsbpf/core/isa";
import { loadOnKernel } from "@tsbpf/linux";

const COPY_TO_STACK = `
  r1 = *(u64 *)(r6 + 0)
  *(u64 *)(r10 - 16) = r1
  r1 = *(u64 *)(r6 + 8)
  *(u64 *)(r10 - 8) = r1
  r1 = r10
  r1 += -16`;

const frame = (memory: "packet" | "stack") => `
  r6 = *(u32 *)(r1 + 0)
  r7 = *(u32 *)(r1 + 4)
  r8 = r6
  r8 += 64
  if r8 > r7 goto out
  ${memory === "packet" ? "r1 = r6" : COPY_TO_STACK}
  r2 = 16
  call pc+3
  *(u64 *)(r6 + 56) = r0
out:
  r0 = 2
  exit
`;

/**
 * All 64 bits that `insns`, a function of r1 = `memory` (16 bytes) and r2 = 16, returns in the kernel. It is called from an
 * XDP program that leaves them in the packet, because a test run's own result has 32 bits only. Atomic loads and stores
 * want their memory on the stack.
 *
 * @throws Error with the verifier's log
 */
export function runOnKernel(insns: Uint8Array, memory: Uint8Array, place: "packet" | "stack" = "packet"): bigint {
  const data = new Uint8Array(64);
  data.set(memory);
  try {
    using program = loadOnKernel({ insns: Uint8Array.from([...assemble(frame(place)), ...insns]), type: "xdp" });
    const { retval, data: after } = program.testRun({ data });
    if (retval !== 2 || after === undefined) throw new Error(`the program returned ${retval}`);
    return new DataView(after.buffer, after.byteOffset).getBigUint64(56, true);
  } catch (error) {
    throw error instanceof SyscallError && error.log !== undefined ? new Error(error.log) : error;
  }
}
