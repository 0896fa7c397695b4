/**
 * Program types, by the number that bpf(2) takes. `since` is the first kernel with the type.
 *
 * @see https://docs.kernel.org/bpf/libbpf/program_types.html
 */
export const programTypes = [
  { id: 1, name: "socket_filter", kernelName: "BPF_PROG_TYPE_SOCKET_FILTER", since: "3.19" },
  { id: 2, name: "kprobe", kernelName: "BPF_PROG_TYPE_KPROBE", since: "4.1" },
  { id: 3, name: "sched_cls", kernelName: "BPF_PROG_TYPE_SCHED_CLS", since: "4.1" },
  { id: 4, name: "sched_act", kernelName: "BPF_PROG_TYPE_SCHED_ACT", since: "4.1" },
  { id: 5, name: "tracepoint", kernelName: "BPF_PROG_TYPE_TRACEPOINT", since: "4.7" },
  { id: 6, name: "xdp", kernelName: "BPF_PROG_TYPE_XDP", since: "4.8" },
  { id: 7, name: "perf_event", kernelName: "BPF_PROG_TYPE_PERF_EVENT", since: "4.9" },
  { id: 8, name: "cgroup_skb", kernelName: "BPF_PROG_TYPE_CGROUP_SKB", since: "4.10" },
  { id: 9, name: "cgroup_sock", kernelName: "BPF_PROG_TYPE_CGROUP_SOCK", since: "4.10" },
  { id: 10, name: "lwt_in", kernelName: "BPF_PROG_TYPE_LWT_IN", since: "4.10" },
  { id: 11, name: "lwt_out", kernelName: "BPF_PROG_TYPE_LWT_OUT", since: "4.10" },
  { id: 12, name: "lwt_xmit", kernelName: "BPF_PROG_TYPE_LWT_XMIT", since: "4.10" },
  { id: 13, name: "sock_ops", kernelName: "BPF_PROG_TYPE_SOCK_OPS", since: "4.13" },
  { id: 14, name: "sk_skb", kernelName: "BPF_PROG_TYPE_SK_SKB", since: "4.14" },
  { id: 15, name: "cgroup_device", kernelName: "BPF_PROG_TYPE_CGROUP_DEVICE", since: "4.15" },
  { id: 16, name: "sk_msg", kernelName: "BPF_PROG_TYPE_SK_MSG", since: "4.17" },
  { id: 17, name: "raw_tracepoint", kernelName: "BPF_PROG_TYPE_RAW_TRACEPOINT", since: "4.17" },
  { id: 18, name: "cgroup_sock_addr", kernelName: "BPF_PROG_TYPE_CGROUP_SOCK_ADDR", since: "4.17" },
  { id: 19, name: "lwt_seg6local", kernelName: "BPF_PROG_TYPE_LWT_SEG6LOCAL", since: "4.18" },
  { id: 20, name: "lirc_mode2", kernelName: "BPF_PROG_TYPE_LIRC_MODE2", since: "4.18" },
  { id: 21, name: "sk_reuseport", kernelName: "BPF_PROG_TYPE_SK_REUSEPORT", since: "4.19" },
  { id: 22, name: "flow_dissector", kernelName: "BPF_PROG_TYPE_FLOW_DISSECTOR", since: "4.20" },
  { id: 23, name: "cgroup_sysctl", kernelName: "BPF_PROG_TYPE_CGROUP_SYSCTL", since: "5.2" },
  { id: 24, name: "raw_tracepoint_writable", kernelName: "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE", since: "5.2" },
  { id: 25, name: "cgroup_sockopt", kernelName: "BPF_PROG_TYPE_CGROUP_SOCKOPT", since: "5.3" },
  { id: 26, name: "tracing", kernelName: "BPF_PROG_TYPE_TRACING", since: "5.5" },
  { id: 27, name: "struct_ops", kernelName: "BPF_PROG_TYPE_STRUCT_OPS", since: "5.6" },
  { id: 28, name: "ext", kernelName: "BPF_PROG_TYPE_EXT", since: "5.6" },
  { id: 29, name: "lsm", kernelName: "BPF_PROG_TYPE_LSM", since: "5.7" },
  { id: 30, name: "sk_lookup", kernelName: "BPF_PROG_TYPE_SK_LOOKUP", since: "5.9" },
  { id: 31, name: "syscall", kernelName: "BPF_PROG_TYPE_SYSCALL", since: "5.14" },
  { id: 32, name: "netfilter", kernelName: "BPF_PROG_TYPE_NETFILTER", since: "6.4" },
] as const;

/** A type of program (`enum bpf_prog_type`), by the names above. */
export type ProgramType = (typeof programTypes)[number]["name"];

const byName: ReadonlyMap<string, (typeof programTypes)[number]> = new Map(
  programTypes.map((type) => [type.name, type]),
);
const byId: ReadonlyMap<number, (typeof programTypes)[number]> = new Map(programTypes.map((type) => [type.id, type]));

/** The number of a program type. */
export function programTypeId(name: ProgramType): number {
  return byName.get(name)!.id;
}

/** The name of a program type's number, or undefined for a number that 6.18 doesn't know. */
export function programTypeName(id: number): ProgramType | undefined {
  return byId.get(id)?.name;
}

/** Is it the name of a {@link ProgramType}? */
export function isProgramType(name: string): name is ProgramType {
  return byName.has(name);
}
