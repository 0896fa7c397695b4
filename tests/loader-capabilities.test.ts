import { assemble, type Capability, type ProgramType } from "@tsbpf/core";
import { type VerifierMap, verify } from "@tsbpf/core/verifier";
import { describe, expect, it } from "vitest";
import { verifyOnKernel } from "../packages/linux/src/oracle/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

/** Descriptors that the programs' lddws name. */
const [VALUES, OTHER, PROGRAMS, MORE] = [1, 2, 3, 4];
const array = { keySize: 4, valueSize: 48, maxEntries: 1 };
const kinds = [
  { fd: VALUES, type: 2, ...array },
  { fd: OTHER, type: 2, ...array, valueSize: 16 },
  { fd: PROGRAMS, type: 3, keySize: 4, valueSize: 4, maxEntries: 2 },
  { fd: MORE, type: 3, keySize: 4, valueSize: 4, maxEntries: 2 },
];
const maps = new Map<number, VerifierMap>(kinds.map(({ fd, ...map }) => [fd, { name: "", flags: 0, ...map }]));

interface Load {
  readonly type?: ProgramType;
  readonly capabilities?: readonly Capability[];
}

function ours(source: string, { type = "socket_filter", capabilities = [] }: Load = {}) {
  const verdict = verify({ insns: assemble(source), type, license: "GPL", maps }, { capabilities });
  return verdict.verdict === "accepted" ? "accepted" : `${verdict.verdict}: ${verdict.message}`;
}

describe("a loader without capabilities", () => {
  it("loads socket filters and cgroup programs, and no others", () => {
    const source = "r0 = 1\nexit";
    expect(ours(source)).toBe("accepted");
    expect(ours(source, { type: "xdp" })).toBe("rejected: ");
    expect(ours(source, { type: "xdp", capabilities: ["bpf"] })).toBe("rejected: ");
    expect(ours(source, { type: "xdp", capabilities: ["bpf", "net_admin"] })).toBe("accepted");
    expect(ours(source, { type: "kprobe", capabilities: ["bpf"] })).toBe("rejected: ");
    expect(ours(source, { type: "kprobe", capabilities: ["bpf", "perfmon"] })).toBe("accepted");
    expect(ours(source, { type: "kprobe", capabilities: ["sys_admin"] })).toBe("accepted");
  });

  it("has 4096 slots, no loops and no functions", () => {
    const long = `${"r0 = 0\n".repeat(4095)}exit`;
    expect(ours(long)).toBe("accepted");
    expect(ours(`r0 = 0\n${long}`)).toBe("rejected: ");
    expect(ours("r0 = 3\nagain:\nr0 -= 1\nif r0 != 0 goto again\nexit")).toBe("rejected: back-edge from insn 2 to 1");
    const call = "call local\nexit\nlocal:\nr0 = 0\nexit";
    const refusal = "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN";
    expect(ours(call)).toBe(`rejected: ${refusal}`);
    expect(ours(call, { capabilities: ["bpf"] })).toBe("accepted");
  });

  it("gets few helpers and no packets", () => {
    expect(ours("call 5\nr0 = 0\nexit")).toBe("accepted");
    const refused = "rejected: program of this type cannot use helper bpf_jiffies64#118";
    expect(ours("call 118\nr0 = 0\nexit")).toBe(refused);
    expect(ours("call 118\nr0 = 0\nexit", { capabilities: ["bpf"] })).toBe("accepted");
    const data = "r2 = *(u32 *)(r1 + 76)\nr0 = 1\nexit";
    const stamp = "r2 = *(u64 *)(r1 + 152)\nr0 = 1\nexit";
    const setStamp = "r2 = 0\n*(u64 *)(r1 + 152) = r2\nr0 = 1\nexit";
    expect(ours(data, { type: "cgroup_skb" })).toBe("rejected: invalid bpf_context access off=76 size=4");
    expect(ours(stamp, { type: "cgroup_skb" })).toBe("accepted");
    expect(ours(setStamp, { type: "cgroup_skb" })).toBe("rejected: invalid bpf_context access off=152 size=8");
    expect(ours(setStamp, { type: "cgroup_skb", capabilities: ["bpf"] })).toBe("accepted");
  });
});

/** r0: the value of a map. r7: something that can't be told. */
const value = (fd: number, rest: string) => `
  r6 = r1
  r7 = *(u32 *)(r1 + 0)
  r8 = *(u32 *)(r1 + 4)
  r1 = 0
  *(u32 *)(r10 - 4) = r1
  r2 = r10
  r2 += -4
  r1 = map[fd:${fd}]
  call 1
  if r0 == 0 goto out
  ${rest}
out:
  r0 = 0
  exit`;

const programs: Readonly<Record<string, string>> = {
  "an index within bounds": value(VALUES, "r7 &= 7\nr0 += r7\nr1 = *(u8 *)(r0 + 0)"),
  "an index that is out of bounds under speculation": value(
    VALUES,
    "if r7 > 15 goto out\nr0 += r7\nr1 = *(u8 *)(r0 + 40)",
  ),
  "an index with mixed bounds": value(
    VALUES,
    "if r7 s> 10 goto out\nr7 -= 5\nr0 += 20\nr0 += r7\nr1 = *(u8 *)(r0 + 0)",
  ),
  "an index from two paths": value(VALUES, "r1 = 8\nif r8 == 0 goto l\nr1 = 16\nl:\nr0 += r1\nr1 = *(u8 *)(r0 + 0)"),
  "ranges from two paths": value(
    VALUES,
    "if r8 == 0 goto a\nr7 &= 7\ngoto b\na:\nr7 &= 15\nb:\nr0 += r7\nr1 = *(u8 *)(r0 + 0)",
  ),
  "past the end": value(VALUES, "r0 += 48"),
  "an address in a map": value(VALUES, "*(u64 *)(r0 + 0) = r10"),
  "an address as the result": "r0 = r10\nexit",
  "two addresses compared": "r0 = 0\nif r1 == r10 goto l\nl:\nexit",
  "an address halved": "r0 = r1\nw0 = w0\nexit",
  "an address that a CPU could guess to be a number": value(
    VALUES,
    "if r7 != 7 goto l\nif r7 == 7 goto out\nr0 = *(u64 *)(r7 + 0)\nl:",
  ),
  "old stack": "r0 = *(u64 *)(r10 - 8)\nexit",
  "half an address overwritten": "*(u64 *)(r10 - 8) = r1\nr0 = 0\n*(u32 *)(r10 - 8) = r0\nexit",
  "a variable place on the stack": "r2 = *(u32 *)(r1 + 0)\nr2 &= 8\nr2 += -16\nr2 += r10\nr0 = 0\nexit",
  "two maps of programs": `
    r3 = *(u32 *)(r1 + 0)
    r2 = map[fd:${PROGRAMS}]
    if r3 == 0 goto l
    r2 = map[fd:${MORE}]
    l:
    r3 = 0
    call 12
    r0 = 0
    exit`,
};

describeKernel("a loader without CAP_PERFMON", () => {
  it.each(Object.entries(programs))("%s", (_, source) => {
    const insns = assemble(source);
    const capabilities = ["bpf"] as const;
    const verdict = verify({ insns, type: "socket_filter", license: "GPL", maps }, { capabilities });
    const kernel = verifyOnKernel({ insns, type: "socket_filter", maps: kinds, capabilities, logLevel: 4 });
    expect({
      verdict: verdict.verdict,
      message: verdict.verdict === "accepted" ? "" : verdict.message,
      processed: verdict.processed,
      states: verdict.totalStates,
    }).toEqual({
      verdict: kernel.accepted ? "accepted" : "rejected",
      message: kernel.accepted ? "" : kernel.message,
      processed: kernel.processed,
      states: kernel.totalStates,
    });
  });
});
