import {
  type AttachType,
  attachTypes,
  encodeInstructions,
  findContextField,
  type Instruction,
  type ProgramType,
  programTypes,
  returnRule,
  rulesOfProgramType,
} from "@tsbpf/core";
import { kernelProblem, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});
const mov = (dst: number, imm: number) => insn(0xb7, dst, 0, 0, imm);
const exit = insn(0x95, 0, 0, 0, 0);
const sizes = [
  [1, 0x10],
  [2, 0x08],
  [4, 0x00],
  [8, 0x18],
] as const;

function ask(type: ProgramType, attachType: AttachType | undefined, body: readonly Instruction[], logLevel = 1) {
  return verifyOnKernel({ type, attachType, license: "GPL", logLevel, insns: encodeInstructions([...body, exit]) });
}

/** How the verifier's log calls a register that holds each kind of pointer. */
const logNames = {
  packet: "pkt(",
  packet_meta: "pkt_meta(",
  packet_end: "pkt_end(",
  flow_keys: "flow_keys(",
  socket: "sock(",
  "socket?": "sock_or_null(",
  "sock_common?": "sock_common_or_null(",
  tp_buffer: "tp_buffer(",
  buf: "buf(",
  buf_rdonly: "rdonly_buf(",
  btf_trusted: "trusted_ptr_",
  "btf_trusted?": "trusted_ptr_or_null_",
};

const problem = kernelProblem();
const suite = describe.skipIf(problem !== undefined);
const reason = problem ? ` (${problem})` : "";

suite(`context layouts, asked of the kernel${reason}`, () => {
  for (const { name: type } of programTypes) {
    const { context } = rulesOfProgramType(type);
    if (typeof context === "string" || type === "lirc_mode2") continue;
    it(type, () => {
      let asked = 0;
      const bytes = Math.min(context.size, 256);
      const probed = type === "cgroup_sock_addr" || type === "cgroup_sock" ? attachTypes.map(({ name }) => name) : [];
      const one: Partial<Record<ProgramType, AttachType[]>> = {
        xdp: ["xdp", "xdp_devmap", "xdp_cpumap"],
        cgroup_skb: ["cgroup_inet_ingress"],
        cgroup_sockopt: ["cgroup_getsockopt", "cgroup_setsockopt"],
        sk_lookup: ["sk_lookup"],
        netfilter: ["netfilter"],
        sk_reuseport: ["sk_reuseport_select_or_migrate"],
      };
      for (const attachType of one[type] ?? (probed.length > 0 ? probed : [undefined])) {
        if (ask(type, attachType, [mov(0, 1)]).log === "") continue;
        asked++;
        const wrong: string[] = [];
        for (let offset = 0; offset <= bytes; offset++) {
          for (const [size, mode] of sizes) {
            const load = ask(type, attachType, [insn(0x61 | mode, 0, 1, offset, 0), mov(0, 1)], 2);
            const field = findContextField(context, { offset, size, write: false, attachType });
            const readable = !/invalid bpf_context access|misaligned/.test(load.log);
            if (readable !== (field !== undefined)) wrong.push(`${attachType} load ${size} at ${offset}: ${readable}`);
            if (readable && field?.pointer && !load.log.includes(`R0=${logNames[field.pointer]}`)) {
              wrong.push(`${attachType} load ${size} at ${offset} is no ${field.pointer}`);
            }
            const store = ask(type, attachType, [mov(2, 1), insn(0x63 | mode, 1, 2, offset, 0), mov(0, 1)]);
            const writable = !/invalid bpf_context access|misaligned|cannot write/.test(store.log);
            const expected = findContextField(context, { offset, size, write: true, attachType }) !== undefined;
            if (writable !== expected) wrong.push(`${attachType} store ${size} at ${offset}: ${writable}`);
          }
        }
        expect(wrong).toEqual([]);
      }
      expect(asked).toBeGreaterThan(0);
    });
  }
});

suite(`ranges of results, asked of the kernel${reason}`, () => {
  const results = [-2147483648, -2, -1, 0, 1, 2, 3, 4, 5, 100, 2147483647];
  for (const { name: type } of programTypes) {
    if (["tracing", "struct_ops", "ext", "lsm", "lirc_mode2", "syscall"].includes(type)) continue;
    it(type, () => {
      let asked = 0;
      for (const attachType of [undefined, ...attachTypes.map(({ name }) => name)]) {
        if (ask(type, attachType, [mov(0, 1)]).log === "") continue;
        asked++;
        const rule = returnRule(type, attachType);
        const allowed = results.filter((result) => !rule || (result >= rule.min && result <= rule.max));
        const accepted = results.filter((result) => ask(type, attachType, [mov(0, result)]).accepted);
        expect(accepted, `${type} ${attachType}`).toEqual(allowed);
      }
      expect(asked).toBeGreaterThan(0);
    });
  }
});
