import { describe, expect, it } from "vitest";
import {
  type AttachType,
  attachTypeChecked,
  attachTypesSince,
  baseHelpers,
  helperGrants,
  helperPrototypes,
  kernelVersions,
  kfuncs,
  mapFlagsSince,
  mapTypes,
  type ProgramType,
  programFlagsSince,
  programTypes,
} from "../abi/index.js";
import { BtfBuilder } from "../btf/index.js";
import { assemble, BPF_PSEUDO_KFUNC_CALL } from "../isa/index.js";
import type { VerifierInput } from "./input.js";
import { verifyForKernel } from "./older-kernel.js";

const nothing = assemble("r0 = 0\nexit");
const input = (more: Partial<VerifierInput> = {}): VerifierInput => ({
  ...{ insns: nothing, type: "socket_filter", license: "GPL", maps: new Map() },
  ...more,
});

/** Refused for what it lacks by the last kernel without it, and not for that by the first with it. */
function expectBoundary(since: string, program: VerifierInput) {
  const at = (kernelVersions as readonly string[]).indexOf(since);
  if (at <= 0) throw new Error(`${since} is no boundary`);
  const before = verifyForKernel(program, kernelVersions[at - 1]!);
  expect(before).toMatchObject({ verdict: "rejected", code: "kernel_version" });
  expect(before.verdict === "rejected" && before.message).toMatch(new RegExp(`: since Linux ${since}$`));
  const after = verifyForKernel(program, kernelVersions[at]!);
  if (after.verdict === "rejected") expect(after.code).not.toBe("kernel_version");
  return after.verdict;
}

const later = <Row extends { readonly since: string }>(rows: readonly Row[]) =>
  rows.filter(({ since }) => (kernelVersions as readonly string[]).indexOf(since) > 0);

const checkedTypes: Readonly<Record<string, ProgramType>> = {
  trace: "tracing",
  modify: "tracing",
  lsm: "lsm",
  sk: "sk_lookup",
};

/** Of the types that look at it, one that programs of this attach type are of. */
function typeOf(attachType: string): ProgramType {
  const named = checkedTypes[attachType.split("_")[0]!];
  if (named !== undefined) return named;
  if (attachType.endsWith("sockopt")) return "cgroup_sockopt";
  return attachType.includes("_sock_") ? "cgroup_sock" : "cgroup_sock_addr";
}

describe("what came after 4.19 flips the verdict at its version", () => {
  it.each(later(programTypes).map(({ name, since }) => [name, since] as const))(
    "program type %s, %s",
    (type, since) => {
      expectBoundary(since, input({ type }));
    },
  );

  it.each(later(mapTypes).map(({ name, since, id }) => [name, since, id] as const))(
    "map type %s, %s",
    (_, since, type) => {
      const map = { name: "m", type, keySize: 4, valueSize: 4, maxEntries: 4096, flags: 0 };
      expect(expectBoundary(since, input({ maps: new Map([[1, map]]) }))).toBe("accepted");
    },
  );

  it.each(Object.entries(attachTypesSince))("attach type %s, %s", (attachType, since) => {
    const type = typeOf(attachType);
    expect(attachTypeChecked.has(type)).toBe(true);
    const first = programTypes.find(({ name }) => name === type)!.since;
    // Where the type came with it, that is what is missing.
    const more = { type, attachType: attachType as AttachType, insns: assemble("r0 = 1\nexit") };
    if (first === since) expectBoundary(first, input({ type }));
    expectBoundary(since, input(more));
  });

  it.each(programFlagsSince.map(({ name, since, flag }) => [name, since, flag] as const))(
    "%s, %s",
    (_, since, flags) => {
      expectBoundary(since, input({ flags }));
    },
  );

  it.each(mapFlagsSince.map(({ name, since, flag }) => [name, since, flag] as const))("%s, %s", (_, since, flags) => {
    const map = { name: "m", type: 2, keySize: 4, valueSize: 4, maxEntries: 1, flags };
    expectBoundary(since, input({ maps: new Map([[1, map]]) }));
  });

  it("instructions", () => {
    const boundaries: readonly (readonly [string, string])[] = [
      ["5.1", "w0 = 0\nif w0 == 0 goto +0\nexit"],
      ["5.12", "r0 = 0\n*(u64 *)(r10 - 8) = 0\nr0 = atomic_fetch_add((u64 *)(r10 - 8), r0)\nr0 = 0\nexit"],
      ["6.6", "r0 = 1\nr0 s/= 1\nr0 = 0\nexit"],
      ["6.6", "r0 = 1\nr0 = (s8)r0\nr0 = 0\nexit"],
      ["6.6", "r0 = 1\nr0 = bswap16 r0\nr0 = 0\nexit"],
      ["6.6", "r0 = 0\ngotol +0\nexit"],
      ["6.9", "r0 = 0\nmay_goto +0\nexit"],
      ["6.15", "*(u64 *)(r10 - 8) = 0\nr0 = load_acquire((u64 *)(r10 - 8))\nr0 = 0\nexit"],
    ];
    for (const [since, source] of boundaries) {
      expect(expectBoundary(since, input({ insns: assemble(source) })), source).toBe("accepted");
    }
  });

  it("every helper without arguments", () => {
    const plain = later(helperPrototypes).filter(
      ({ args, returns }) => args.length === 0 && returns.kind === "integer",
    );
    let asked = 0;
    for (const { id, name, since } of plain) {
      const grants = (type: ProgramType) => [...baseHelpers, ...helperGrants[type]];
      const types = programTypes.filter(({ name: type }) =>
        ["socket_filter", "kprobe", "sched_cls", "xdp"].includes(type),
      );
      const type = types.find((each) => grants(each.name).some((grant) => grant.helper === name && !grant.attachTypes));
      if (type === undefined) continue;
      const insns = assemble(`call ${id}\nr0 = 0\nexit`);
      expect(expectBoundary(since, input({ type: type.name, insns })), name).toBe("accepted");
      asked++;
    }
    expect(asked).toBeGreaterThan(3);
  });

  it("kernel functions", () => {
    const types = new BtfBuilder();
    const proto = types.add({ kind: "func_proto", returns: 0, params: [] });
    const add = (name: string) => types.add({ kind: "func", name, type: proto, linkage: "static" });
    const pairs = [
      ["bpf_rcu_read_lock", "bpf_rcu_read_unlock"] as const,
      ["bpf_preempt_disable", "bpf_preempt_enable"] as const,
    ].map(([enter, leave]) => [enter, add(enter), add(leave)] as const);
    for (const [name, enter, leave] of pairs) {
      const insns = assemble("call 1\ncall 2\nr0 = 0\nexit");
      const view = new DataView(insns.buffer);
      for (const [slot, id] of [enter, leave].entries()) {
        insns[8 * slot + 1] = BPF_PSEUDO_KFUNC_CALL << 4;
        view.setInt32(8 * slot + 4, id, true);
      }
      const { since } = kfuncs.find((kfunc) => kfunc.name === name)!;
      expect(expectBoundary(since, input({ type: "sched_cls", insns, kernelTypes: types.build() })), name).toBe(
        "accepted",
      );
    }
  });
});
