import type { ProgramType } from "./program-types.js";

/**
 * What a loader is allowed to, as far as bpf(2) asks: `CAP_BPF`, `CAP_PERFMON`, `CAP_NET_ADMIN` (since 5.8; before, and
 * still, `CAP_SYS_ADMIN` stands for all of them).
 */
export const capabilities = ["bpf", "perfmon", "net_admin", "sys_admin"] as const;

/** A capability that BPF asks for, in small letters and without `CAP_`. */
export type Capability = (typeof capabilities)[number];

/** Is it the name of a {@link Capability}? */
export function isCapability(text: string): text is Capability {
  return (capabilities as readonly string[]).includes(text);
}

/** Does a loader who has `held` have `wanted`? */
export function hasCapability(held: readonly Capability[], wanted: Capability): boolean {
  return held.includes(wanted) || held.includes("sys_admin");
}

/** The types whose programs anybody may load, where `kernel.unprivileged_bpf_disabled` is 0. */
const forEveryone: ReadonlySet<ProgramType> = new Set(["socket_filter", "cgroup_skb"]);

const forNetworkAdministrators: ReadonlySet<ProgramType> = new Set([
  ...(["sched_cls", "sched_act", "xdp", "lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local"] as const),
  ...(["sk_skb", "sk_msg", "flow_dissector", "cgroup_device", "cgroup_sock", "cgroup_sock_addr"] as const),
  ...(["cgroup_sockopt", "cgroup_sysctl", "sock_ops", "ext", "netfilter"] as const),
]);

const forTracers: ReadonlySet<ProgramType> = new Set([
  ...(["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable"] as const),
  ...(["tracing", "lsm", "struct_ops", "ext"] as const),
]);

/** What it takes to load a program of the type at all; more is needed for what some programs do. */
export function capabilitiesToLoad(type: ProgramType): readonly Capability[] {
  const needed: Capability[] = forEveryone.has(type) ? [] : ["bpf"];
  if (forNetworkAdministrators.has(type)) needed.push("net_admin");
  if (forTracers.has(type)) needed.push("perfmon");
  return needed;
}

/** Slots of a program that is loaded without `CAP_BPF` (`BPF_MAXINSNS`). */
export const UNPRIVILEGED_SLOTS = 4096;
