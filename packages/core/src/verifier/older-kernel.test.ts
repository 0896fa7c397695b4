import { describe, expect, it } from "vitest";
import type { KernelVersion } from "../abi/index.js";
import { assemble } from "../isa/index.js";
import type { VerifierInput, VerifierMap } from "./input.js";
import { verifyForKernel } from "./older-kernel.js";

function ask(source: string, kernel: KernelVersion, more: Partial<VerifierInput> = {}) {
  const input: VerifierInput = {
    insns: assemble(source),
    type: "socket_filter",
    license: "GPL",
    maps: new Map(),
    ...more,
  };
  const verdict = verifyForKernel(input, kernel);
  return verdict.verdict === "accepted" ? "accepted" : verdict.message;
}

const map = (type: number, flags = 0): VerifierMap => ({
  ...{ name: "m", type, keySize: 4, valueSize: 4, maxEntries: 4096, flags },
});

/** 128 paths that differ to the end, each through as many instructions. */
function wide(length: number): string {
  const lines = ["call 7", "r6 = 0"];
  for (let bit = 0; bit < 7; bit++)
    lines.push("r1 = r0", `r1 &= ${1 << bit}`, "if r1 == 0 goto +1", `r6 |= ${1 << bit}`);
  for (let index = 0; index < length; index++) lines.push("r3 = 1");
  return [...lines, "r2 = r10", "r2 += -256", "r2 += r6", "*(u8 *)(r2 + 0) = 0", "r0 = 0", "exit"].join("\n");
}

const loop = "r0 = 0\nr0 += 1\nif r0 < 8 goto -2\nexit";

describe("verdicts of older kernels", () => {
  it.each<[string, KernelVersion, string, KernelVersion, string, Partial<VerifierInput>]>([
    ["loops", "5.2", "back-edge from insn 2 to 1", "5.3", loop, {}],
    [
      "program types",
      "5.8",
      "program type sk_lookup: since Linux 5.9",
      "5.9",
      "r0 = 1\nexit",
      { type: "sk_lookup", attachType: "sk_lookup" },
    ],
    [
      "attach types",
      "5.8",
      "attach type cgroup_inet_sock_release: since Linux 5.9",
      "5.9",
      "r0 = 1\nexit",
      { type: "cgroup_sock", attachType: "cgroup_inet_sock_release" },
    ],
    [
      "map types",
      "5.7",
      "map type ringbuf of map 'm': since Linux 5.8",
      "5.8",
      "r0 = 0\nexit",
      { maps: new Map([[1, map(27)]]) },
    ],
    [
      "map flags",
      "5.1",
      "BPF_F_RDONLY_PROG of map 'm': since Linux 5.2",
      "5.2",
      "r0 = 0\nexit",
      { maps: new Map([[1, map(2, 128)]]) },
    ],
    ["program flags", "5.3", "BPF_F_TEST_STATE_FREQ: since Linux 5.4", "5.4", "r0 = 0\nexit", { flags: 8 }],
    ["helpers", "5.7", "helper bpf_ktime_get_boot_ns: since Linux 5.8", "5.8", "call 125\nexit", {}],
    ["32-bit jumps", "5.0", "instruction 'jeq32': since Linux 5.1", "5.1", "w0 = 0\nif w0 == 0 goto +0\nexit", {}],
  ])("refuse %s before they came", (_what, before, message, since, source, more) => {
    expect(ask(source, before, more)).toBe(message);
    expect(ask(source, since, more)).toBe("accepted");
  });

  it("don't mind a helper that no path gets to", () => {
    expect(ask("r0 = 0\nif r0 == 0 goto +1\ncall 125\nexit", "5.0")).toBe("accepted");
  });

  it("don't mind an attach type that was not looked at when XDP programs were loaded", () => {
    expect(ask("r0 = 2\nexit", "4.19", { type: "xdp", attachType: "xdp" })).toBe("accepted");
  });

  it("take 4096 slots before 5.2", () => {
    const program = (slots: number) => `${"r0 = 0\n".repeat(slots - 1)}exit`;
    expect(ask(program(4096), "5.1")).toBe("accepted");
    expect(ask(program(4097), "5.1")).toBe("the program has 4097 slots, and 4096 is what the kernel takes");
    expect(ask(program(4097), "5.2")).toBe("accepted");
  });

  it("walk over 131,072 instructions before 5.2", () => {
    expect(ask(wide(900), "5.1")).toBe("accepted");
    expect(ask(wide(1200), "5.1")).toBe("BPF program is too large. Processed 131073 insn");
    expect(ask(wide(1200), "5.2")).toBe("accepted");
  });

  it("don't mix tail calls and functions before 5.10", () => {
    const source =
      "r6 = r1\ncall local function\nr1 = r6\nr2 = 1 ll\nr3 = 0\ncall 12\nr0 = 0\nexit\nfunction:\nr0 = 0\nexit";
    const insns = assemble(source);
    insns[3 * 8 + 1] = 0x12;
    const maps = new Map([[1, { ...map(3), maxEntries: 4 }]]);
    const mixed = (kernel: KernelVersion) => ask("exit", kernel, { insns, maps });
    expect(mixed("5.9")).toBe("tail_calls are not allowed in programs with bpf-to-bpf calls");
    expect(mixed("5.10")).toBe("accepted");
  });
});
