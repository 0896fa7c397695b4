import { assemble } from "@tsbpf/core/isa";
import { CompiledProgram, type Jit, type JitExecutable } from "@tsbpf/core/jit";
import type { Runtime } from "@tsbpf/core/runtime";
import { xdpMd } from "@tsbpf/core/runtime";
import { verify } from "@tsbpf/core/verifier";

const COPY_TO_STACK = `
  r1 = *(u64 *)(r6 + 0)
  *(u64 *)(r10 - 16) = r1
  r1 = *(u64 *)(r6 + 8)
  *(u64 *)(r10 - 8) = r1
  r1 = r10
  r1 += -16`;

/** An XDP program that calls the function behind it with r1 = the packet and r2 = `length`, and leaves its r0 behind that. */
function frame(length: number, memory: "packet" | "stack"): string {
  const result = Math.ceil(length / 8) * 8;
  return `
  r6 = *(u32 *)(r1 + 0)
  r7 = *(u32 *)(r1 + 4)
  r8 = r6
  r8 += ${result + 8}
  if r8 > r7 goto out
  ${memory === "packet" ? "r1 = r6" : COPY_TO_STACK}
  r2 = ${length}
  call pc+3
  *(u64 *)(r6 + ${result}) = r0
out:
  r0 = 2
  exit
`;
}

/** What a program of {@link verifiedFunction} runs on. */
const PACKET = 4096;

/**
 * Makes a program of `insns`, a function of r1 = memory and r2 = its length, that our verifier accepts, and translates it
 * without checks. Undefined where the verifier does not accept it.
 */
export function verifiedFunction(
  runtime: Runtime,
  jit: Jit,
  insns: Uint8Array,
  memory: Uint8Array,
  place: "packet" | "stack" = "packet",
): { run(): bigint; close(): void } | undefined {
  const code = Uint8Array.from([...assemble(frame(memory.length, place)), ...insns]);
  const verdict = verify({ insns: code, type: "xdp", license: "GPL", maps: new Map() });
  if (verdict.verdict !== "accepted") return undefined;
  const executable: JitExecutable = {
    name: "function",
    insns: code,
    verified: true,
    proof: { verdict, maps: new Map(), type: "xdp" },
  };
  const image = jit.prepare(executable);
  if (!(image instanceof CompiledProgram) || image.checked) throw new Error("the program runs checked");
  const packet = runtime.memory.alloc(PACKET);
  const context = runtime.memory.alloc(xdpMd.size);
  const run = () => {
    runtime.memory.u8.set(memory, packet);
    runtime.memory.u32.set([packet, packet + PACKET, packet], context >> 2);
    const result = runtime.test(image, {
      address: context,
      size: xdpMd.size,
      packetStart: packet,
      packetEnd: packet + PACKET,
    });
    if (result.kind !== "exit") throw new Error(result.kind === "fault" ? result.fault.message : result.kind);
    if (result.r0 !== 2n) throw new Error(`the frame returned ${result.r0}`);
    return runtime.memory.view.getBigUint64(packet + Math.ceil(memory.length / 8) * 8, true);
  };
  const close = () => {
    image.close();
    runtime.memory.free(packet);
    runtime.memory.free(context);
  };
  return { run, close };
}
