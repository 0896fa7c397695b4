import { readFileSync } from "node:fs";
import {
  type AttachType,
  type Capability,
  createMap,
  Machine,
  type MapType,
  mapTypes,
  NotSupportedError,
  type ProgramType,
  SyscallError,
} from "@tsbpf/core";
import { Linux, withCapabilities } from "@tsbpf/linux";
import { afterAll, beforeAll, expect, it } from "vitest";
import { assembleProgram } from "../packages/core/src/host/testing/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const holders: readonly (readonly Capability[])[] = [
  [],
  ["bpf"],
  ["net_admin"],
  ["perfmon"],
  ["bpf", "net_admin"],
  ["bpf", "perfmon"],
  ["perfmon", "net_admin"],
  ["bpf", "net_admin", "perfmon"],
  ["sys_admin"],
];

/** Program types that anybody with all capabilities can load a program of, and what else it takes. */
const programs: readonly (readonly [ProgramType, AttachType?])[] = [
  ["socket_filter"],
  ["kprobe"],
  ["sched_cls"],
  ["sched_act"],
  ["tracepoint"],
  ["xdp"],
  ["perf_event"],
  ["cgroup_skb", "cgroup_inet_ingress"],
  ["cgroup_sock", "cgroup_inet_sock_create"],
  ["lwt_in"],
  ["lwt_xmit"],
  ["sock_ops", "cgroup_sock_ops"],
  ["sk_skb", "sk_skb_stream_verdict"],
  ["cgroup_device", "cgroup_device"],
  ["sk_msg", "sk_msg_verdict"],
  ["raw_tracepoint"],
  ["cgroup_sock_addr", "cgroup_inet4_connect"],
  ["lwt_seg6local"],
  ["sk_reuseport", "sk_reuseport_select"],
  ["flow_dissector", "flow_dissector"],
  ["cgroup_sysctl", "cgroup_sysctl"],
  ["raw_tracepoint_writable"],
  ["cgroup_sockopt", "cgroup_setsockopt"],
  ["sk_lookup", "sk_lookup"],
  ["syscall"],
  ["netfilter", "netfilter"],
];

const sizes: Partial<Record<MapType, readonly [key: number, value: number, entries: number, flags?: number]>> = {
  lpm_trie: [8, 4, 4, 1],
  queue: [0, 4, 4],
  stack: [0, 4, 4],
  bloom_filter: [0, 4, 4],
  ringbuf: [0, 0, 4096],
  user_ringbuf: [0, 0, 4096],
  stack_trace: [4, 64, 4],
  cgroup_storage: [16, 8, 0],
  percpu_cgroup_storage: [16, 8, 0],
};
/** Maps that take more to be made than numbers: types, inner maps, a kernel interface. */
const others = /_of_maps$|struct_ops|storage$|arena|insn_array/;

describeKernel("what a loader may do", () => {
  let linux: Linux;
  let machine: Machine;
  beforeAll(async () => {
    linux = await Linux.open();
    machine = new Machine();
    const disabled = Number(readFileSync("/proc/sys/kernel/unprivileged_bpf_disabled", "utf8"));
    machine.sysctls.write("kernel.unprivileged_bpf_disabled", disabled);
  });
  afterAll(() => {
    machine.close();
    linux.close();
  });

  for (const held of holders) {
    const capabilities = held;
    it(`with ${held.length === 0 ? "no capability" : held.join(" and ")}, is what the kernel lets it do`, async () => {
      const [ours, theirs]: [Record<string, string>, Record<string, string>] = [{}, {}];
      for (const [type, attachType] of programs) {
        const returns = type === "cgroup_sock_addr" ? 1 : 0;
        const flags = type === "syscall" ? 16 : 0;
        const spec = assembleProgram(type, `r0 = ${returns}\nexit`, { license: "GPL", attachType, flags });
        theirs[type] = await outcome(async () => (await withCapabilities(held, () => linux.loadProgram(spec))).close());
        ours[type] = await outcome(async () => (await machine.loadProgram(spec, { capabilities })).close());
      }
      for (const { name: type } of mapTypes) {
        if (others.test(type)) continue;
        const [keySize, valueSize, maxEntries, flags = 0] = sizes[type] ?? [4, 4, 4];
        const spec = createMap({ name: "map", type, keySize, valueSize, maxEntries, flags });
        theirs[type] = await outcome(async () => withCapabilities(held, () => linux.createMap(spec)).close());
        const credentials = { uid: 1000, gid: 1000, capabilities };
        ours[type] = await outcome(async () => machine.as(credentials, () => machine.createMap(spec)).close());
      }
      expect(ours).toEqual(theirs);
      expect(Object.values(ours)).toContain(held.length > 2 || held[0] === "sys_admin" ? "made" : "EPERM");
    });
  }
});

async function outcome(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return "made";
  } catch (error) {
    if (error instanceof SyscallError) return error.errnoName;
    if (error instanceof NotSupportedError) return "not supported";
    throw error;
  }
}
