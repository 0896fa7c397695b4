import { type AttachType, assemble, type ProgramType, programTypes } from "@tsbpf/core";
import { verify } from "@tsbpf/core/verifier";
import { verifyOnKernel } from "@tsbpf/linux";
import { expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const attachTypes: Readonly<Partial<Record<ProgramType, AttachType>>> = {
  cgroup_sock_addr: "cgroup_inet4_connect",
  cgroup_sockopt: "cgroup_getsockopt",
  sk_lookup: "sk_lookup",
  netfilter: "netfilter",
};

// Types whose programs need a target of the kernel's own types; lirc_mode2 is not in every kernel.
const left: ReadonlySet<ProgramType> = new Set(["tracing", "struct_ops", "ext", "lsm", "lirc_mode2"]);

const SLEEPABLE = 16;
const STATISTICS = 4;

/** bpf_get_smp_processor_id with a spill and a fill around it. */
const insns = assemble("r1 = 1\n*(u64 *)(r10 - 8) = r1\ncall 8\nr1 = *(u64 *)(r10 - 8)\nr0 = 1\nexit");

describeKernel("spills around a call that some program types have inlined", () => {
  it.each(programTypes.map(({ name }) => name).filter((type) => !left.has(type)))("%s", (type) => {
    const attachType = attachTypes[type];
    const program = { insns, type, attachType, flags: type === "syscall" ? SLEEPABLE : 0, license: "GPL" };
    const kernel = verifyOnKernel({ ...program, logLevel: STATISTICS | 1 });
    const verdict = verify({ ...program, maps: new Map() });
    expect(verdict.verdict === "accepted", kernel.log).toBe(kernel.accepted);
    expect(`stack depth ${verdict.stackDepths}`).toBe(/stack depth \S+/.exec(kernel.log)?.[0]);
  });
});
