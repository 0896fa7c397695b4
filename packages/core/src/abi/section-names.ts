import type { AttachType } from "./attach-types.js";
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from "./program-flags.js";
import type { ProgramType } from "./program-types.js";

/** What a program's ELF section name says of it. */
export interface SectionName {
  /** `xdp`, or the part before the slash of `kprobe/do_unlinkat`. */
  readonly name: string;
  readonly type: ProgramType;
  readonly attachType?: AttachType;
  /** The name may go on with a slash and what to attach to. */
  readonly target?: true;
  /** BPF_F_SLEEPABLE. */
  readonly sleepable?: true;
  /** BPF_F_XDP_HAS_FRAGS. */
  readonly frags?: true;
}

/**
 * The section names that libbpf documents. Longer names stand before those that they begin with.
 *
 * @see https://docs.kernel.org/bpf/libbpf/program_types.html
 */
export const sectionNames: readonly SectionName[] = [
  { name: "socket", type: "socket_filter" },
  { name: "sk_reuseport/migrate", type: "sk_reuseport", attachType: "sk_reuseport_select_or_migrate" },
  { name: "sk_reuseport", type: "sk_reuseport", attachType: "sk_reuseport_select" },
  { name: "kprobe.multi", type: "kprobe", attachType: "trace_kprobe_multi", target: true },
  { name: "kprobe.session", type: "kprobe", attachType: "trace_kprobe_session", target: true },
  { name: "kprobe", type: "kprobe", target: true },
  { name: "kretprobe.multi", type: "kprobe", attachType: "trace_kprobe_multi", target: true },
  { name: "kretprobe", type: "kprobe", target: true },
  { name: "ksyscall", type: "kprobe", target: true },
  { name: "kretsyscall", type: "kprobe", target: true },
  { name: "uprobe.multi.s", type: "kprobe", attachType: "trace_uprobe_multi", target: true, sleepable: true },
  { name: "uprobe.multi", type: "kprobe", attachType: "trace_uprobe_multi", target: true },
  { name: "uprobe.session.s", type: "kprobe", attachType: "trace_uprobe_session", target: true, sleepable: true },
  { name: "uprobe.session", type: "kprobe", attachType: "trace_uprobe_session", target: true },
  { name: "uprobe.s", type: "kprobe", target: true, sleepable: true },
  { name: "uprobe", type: "kprobe", target: true },
  { name: "uretprobe.multi.s", type: "kprobe", attachType: "trace_uprobe_multi", target: true, sleepable: true },
  { name: "uretprobe.multi", type: "kprobe", attachType: "trace_uprobe_multi", target: true },
  { name: "uretprobe.s", type: "kprobe", target: true, sleepable: true },
  { name: "uretprobe", type: "kprobe", target: true },
  { name: "usdt.s", type: "kprobe", target: true, sleepable: true },
  { name: "usdt", type: "kprobe", target: true },
  { name: "tcx/ingress", type: "sched_cls", attachType: "tcx_ingress" },
  { name: "tcx/egress", type: "sched_cls", attachType: "tcx_egress" },
  { name: "tc/ingress", type: "sched_cls", attachType: "tcx_ingress" },
  { name: "tc/egress", type: "sched_cls", attachType: "tcx_egress" },
  { name: "tc", type: "sched_cls" },
  { name: "classifier", type: "sched_cls" },
  { name: "action", type: "sched_act" },
  { name: "netkit/primary", type: "sched_cls", attachType: "netkit_primary" },
  { name: "netkit/peer", type: "sched_cls", attachType: "netkit_peer" },
  { name: "tracepoint.s", type: "tracepoint", target: true, sleepable: true },
  { name: "tracepoint", type: "tracepoint", target: true },
  { name: "tp.s", type: "tracepoint", target: true, sleepable: true },
  { name: "tp_btf.s", type: "tracing", attachType: "trace_raw_tp", target: true, sleepable: true },
  { name: "tp_btf", type: "tracing", attachType: "trace_raw_tp", target: true },
  { name: "tp", type: "tracepoint", target: true },
  { name: "raw_tracepoint.s", type: "raw_tracepoint", target: true, sleepable: true },
  { name: "raw_tracepoint.w", type: "raw_tracepoint_writable", target: true },
  { name: "raw_tracepoint", type: "raw_tracepoint", target: true },
  { name: "raw_tp.s", type: "raw_tracepoint", target: true, sleepable: true },
  { name: "raw_tp.w", type: "raw_tracepoint_writable", target: true },
  { name: "raw_tp", type: "raw_tracepoint", target: true },
  { name: "fentry.s", type: "tracing", attachType: "trace_fentry", target: true, sleepable: true },
  { name: "fentry", type: "tracing", attachType: "trace_fentry", target: true },
  { name: "fexit.s", type: "tracing", attachType: "trace_fexit", target: true, sleepable: true },
  { name: "fexit", type: "tracing", attachType: "trace_fexit", target: true },
  { name: "fmod_ret.s", type: "tracing", attachType: "modify_return", target: true, sleepable: true },
  { name: "fmod_ret", type: "tracing", attachType: "modify_return", target: true },
  { name: "freplace", type: "ext", target: true },
  { name: "lsm.s", type: "lsm", attachType: "lsm_mac", target: true, sleepable: true },
  { name: "lsm_cgroup", type: "lsm", attachType: "lsm_cgroup", target: true },
  { name: "lsm", type: "lsm", attachType: "lsm_mac", target: true },
  { name: "iter.s", type: "tracing", attachType: "trace_iter", target: true, sleepable: true },
  { name: "iter", type: "tracing", attachType: "trace_iter", target: true },
  { name: "syscall", type: "syscall", sleepable: true },
  { name: "xdp.frags/devmap", type: "xdp", attachType: "xdp_devmap", frags: true },
  { name: "xdp.frags/cpumap", type: "xdp", attachType: "xdp_cpumap", frags: true },
  { name: "xdp.frags", type: "xdp", attachType: "xdp", frags: true },
  { name: "xdp/devmap", type: "xdp", attachType: "xdp_devmap" },
  { name: "xdp/cpumap", type: "xdp", attachType: "xdp_cpumap" },
  { name: "xdp", type: "xdp", attachType: "xdp" },
  { name: "perf_event", type: "perf_event" },
  { name: "lwt_in", type: "lwt_in" },
  { name: "lwt_out", type: "lwt_out" },
  { name: "lwt_xmit", type: "lwt_xmit" },
  { name: "lwt_seg6local", type: "lwt_seg6local" },
  { name: "sockops", type: "sock_ops", attachType: "cgroup_sock_ops" },
  { name: "sk_skb/stream_parser", type: "sk_skb", attachType: "sk_skb_stream_parser" },
  { name: "sk_skb/stream_verdict", type: "sk_skb", attachType: "sk_skb_stream_verdict" },
  { name: "sk_skb/verdict", type: "sk_skb", attachType: "sk_skb_verdict" },
  { name: "sk_skb", type: "sk_skb" },
  { name: "sk_msg", type: "sk_msg", attachType: "sk_msg_verdict" },
  { name: "lirc_mode2", type: "lirc_mode2", attachType: "lirc_mode2" },
  { name: "flow_dissector", type: "flow_dissector", attachType: "flow_dissector" },
  { name: "cgroup_skb/ingress", type: "cgroup_skb", attachType: "cgroup_inet_ingress" },
  { name: "cgroup_skb/egress", type: "cgroup_skb", attachType: "cgroup_inet_egress" },
  { name: "cgroup/skb", type: "cgroup_skb" },
  { name: "cgroup/sock_create", type: "cgroup_sock", attachType: "cgroup_inet_sock_create" },
  { name: "cgroup/sock_release", type: "cgroup_sock", attachType: "cgroup_inet_sock_release" },
  { name: "cgroup/sock", type: "cgroup_sock", attachType: "cgroup_inet_sock_create" },
  { name: "cgroup/post_bind4", type: "cgroup_sock", attachType: "cgroup_inet4_post_bind" },
  { name: "cgroup/post_bind6", type: "cgroup_sock", attachType: "cgroup_inet6_post_bind" },
  { name: "cgroup/bind4", type: "cgroup_sock_addr", attachType: "cgroup_inet4_bind" },
  { name: "cgroup/bind6", type: "cgroup_sock_addr", attachType: "cgroup_inet6_bind" },
  { name: "cgroup/connect4", type: "cgroup_sock_addr", attachType: "cgroup_inet4_connect" },
  { name: "cgroup/connect6", type: "cgroup_sock_addr", attachType: "cgroup_inet6_connect" },
  { name: "cgroup/connect_unix", type: "cgroup_sock_addr", attachType: "cgroup_unix_connect" },
  { name: "cgroup/sendmsg4", type: "cgroup_sock_addr", attachType: "cgroup_udp4_sendmsg" },
  { name: "cgroup/sendmsg6", type: "cgroup_sock_addr", attachType: "cgroup_udp6_sendmsg" },
  { name: "cgroup/sendmsg_unix", type: "cgroup_sock_addr", attachType: "cgroup_unix_sendmsg" },
  { name: "cgroup/recvmsg4", type: "cgroup_sock_addr", attachType: "cgroup_udp4_recvmsg" },
  { name: "cgroup/recvmsg6", type: "cgroup_sock_addr", attachType: "cgroup_udp6_recvmsg" },
  { name: "cgroup/recvmsg_unix", type: "cgroup_sock_addr", attachType: "cgroup_unix_recvmsg" },
  { name: "cgroup/getpeername4", type: "cgroup_sock_addr", attachType: "cgroup_inet4_getpeername" },
  { name: "cgroup/getpeername6", type: "cgroup_sock_addr", attachType: "cgroup_inet6_getpeername" },
  { name: "cgroup/getpeername_unix", type: "cgroup_sock_addr", attachType: "cgroup_unix_getpeername" },
  { name: "cgroup/getsockname4", type: "cgroup_sock_addr", attachType: "cgroup_inet4_getsockname" },
  { name: "cgroup/getsockname6", type: "cgroup_sock_addr", attachType: "cgroup_inet6_getsockname" },
  { name: "cgroup/getsockname_unix", type: "cgroup_sock_addr", attachType: "cgroup_unix_getsockname" },
  { name: "cgroup/sysctl", type: "cgroup_sysctl", attachType: "cgroup_sysctl" },
  { name: "cgroup/getsockopt", type: "cgroup_sockopt", attachType: "cgroup_getsockopt" },
  { name: "cgroup/setsockopt", type: "cgroup_sockopt", attachType: "cgroup_setsockopt" },
  { name: "cgroup/dev", type: "cgroup_device", attachType: "cgroup_device" },
  { name: "struct_ops.s", type: "struct_ops", target: true, sleepable: true },
  { name: "struct_ops", type: "struct_ops", target: true },
  { name: "sk_lookup", type: "sk_lookup", attachType: "sk_lookup" },
  { name: "netfilter", type: "netfilter", attachType: "netfilter" },
];

/**
 * Names that other loaders gave a meaning to, matched as the beginning of a section name: libbpf before 0.8, iproute2's
 * default for XDP, tc objects of Cilium and Katran, socket filters of Suricata.
 */
const otherNames: readonly SectionName[] = [
  { name: "xdp_devmap", type: "xdp", attachType: "xdp_devmap" },
  { name: "xdp_cpumap", type: "xdp", attachType: "xdp_cpumap" },
  { name: "prog", type: "xdp", attachType: "xdp" },
  { name: "ingress", type: "sched_cls" },
  { name: "egress", type: "sched_cls" },
  { name: "cls", type: "sched_cls" },
  { name: "from-", type: "sched_cls" },
  { name: "to-", type: "sched_cls" },
  { name: "filter", type: "socket_filter" },
  { name: "loadbalancer", type: "socket_filter" },
];

/** A section name taken apart. */
export interface SectionMeaning {
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  /** What follows the slash: a function, `category/tracepoint`, `path:symbol` ...; undefined where the name has none. */
  readonly attachTo: string | undefined;
  /** BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS. */
  readonly flags: number;
}

const exactNames: ReadonlyMap<string, SectionName> = new Map(sectionNames.map((row) => [row.name, row]));
const prefixes: readonly SectionName[] = [...otherNames, ...sectionNames];

/**
 * What a program section's name (without a leading `?`) says, or undefined where it says nothing. Names that libbpf 1.x
 * accepts mean what they mean there. A name that merely begins like one (`xdp_drop`, `classifier/ingress`, `sk_skb1`)
 * is taken as libbpf 0.x took it.
 */
export function parseSectionName(section: string): SectionMeaning | undefined {
  const exact = exactNames.get(section);
  if (exact !== undefined) return meaning(exact, undefined);
  const slash = section.indexOf("/");
  if (slash > 0) {
    const row = exactNames.get(section.slice(0, slash));
    if (row?.target === true) return meaning(row, section.slice(slash + 1) || undefined);
  }
  const row = prefixes.find(({ name }) => section.startsWith(name) && endsWord(section, name.length));
  return row && meaning(row, undefined);
}

/** `tc_main` begins with the word `tc`, `tcp_main` doesn't. */
function endsWord(section: string, length: number): boolean {
  return section[length - 1] === "-" || !/^[a-z]/.test(section.slice(length));
}

function meaning(row: SectionName, attachTo: string | undefined): SectionMeaning {
  return {
    type: row.type,
    attachType: row.attachType,
    attachTo,
    flags: (row.sleepable ? BPF_F_SLEEPABLE : 0) | (row.frags ? BPF_F_XDP_HAS_FRAGS : 0),
  };
}
