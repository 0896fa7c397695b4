/** Attach types (`expected_attach_type`, link types), in the order of the numbers that bpf(2) takes: the index is the number. */
export const attachTypes = [
  { id: 0, name: "cgroup_inet_ingress", kernelName: "BPF_CGROUP_INET_INGRESS" },
  { id: 1, name: "cgroup_inet_egress", kernelName: "BPF_CGROUP_INET_EGRESS" },
  { id: 2, name: "cgroup_inet_sock_create", kernelName: "BPF_CGROUP_INET_SOCK_CREATE" },
  { id: 3, name: "cgroup_sock_ops", kernelName: "BPF_CGROUP_SOCK_OPS" },
  { id: 4, name: "sk_skb_stream_parser", kernelName: "BPF_SK_SKB_STREAM_PARSER" },
  { id: 5, name: "sk_skb_stream_verdict", kernelName: "BPF_SK_SKB_STREAM_VERDICT" },
  { id: 6, name: "cgroup_device", kernelName: "BPF_CGROUP_DEVICE" },
  { id: 7, name: "sk_msg_verdict", kernelName: "BPF_SK_MSG_VERDICT" },
  { id: 8, name: "cgroup_inet4_bind", kernelName: "BPF_CGROUP_INET4_BIND" },
  { id: 9, name: "cgroup_inet6_bind", kernelName: "BPF_CGROUP_INET6_BIND" },
  { id: 10, name: "cgroup_inet4_connect", kernelName: "BPF_CGROUP_INET4_CONNECT" },
  { id: 11, name: "cgroup_inet6_connect", kernelName: "BPF_CGROUP_INET6_CONNECT" },
  { id: 12, name: "cgroup_inet4_post_bind", kernelName: "BPF_CGROUP_INET4_POST_BIND" },
  { id: 13, name: "cgroup_inet6_post_bind", kernelName: "BPF_CGROUP_INET6_POST_BIND" },
  { id: 14, name: "cgroup_udp4_sendmsg", kernelName: "BPF_CGROUP_UDP4_SENDMSG" },
  { id: 15, name: "cgroup_udp6_sendmsg", kernelName: "BPF_CGROUP_UDP6_SENDMSG" },
  { id: 16, name: "lirc_mode2", kernelName: "BPF_LIRC_MODE2" },
  { id: 17, name: "flow_dissector", kernelName: "BPF_FLOW_DISSECTOR" },
  { id: 18, name: "cgroup_sysctl", kernelName: "BPF_CGROUP_SYSCTL" },
  { id: 19, name: "cgroup_udp4_recvmsg", kernelName: "BPF_CGROUP_UDP4_RECVMSG" },
  { id: 20, name: "cgroup_udp6_recvmsg", kernelName: "BPF_CGROUP_UDP6_RECVMSG" },
  { id: 21, name: "cgroup_getsockopt", kernelName: "BPF_CGROUP_GETSOCKOPT" },
  { id: 22, name: "cgroup_setsockopt", kernelName: "BPF_CGROUP_SETSOCKOPT" },
  { id: 23, name: "trace_raw_tp", kernelName: "BPF_TRACE_RAW_TP" },
  { id: 24, name: "trace_fentry", kernelName: "BPF_TRACE_FENTRY" },
  { id: 25, name: "trace_fexit", kernelName: "BPF_TRACE_FEXIT" },
  { id: 26, name: "modify_return", kernelName: "BPF_MODIFY_RETURN" },
  { id: 27, name: "lsm_mac", kernelName: "BPF_LSM_MAC" },
  { id: 28, name: "trace_iter", kernelName: "BPF_TRACE_ITER" },
  { id: 29, name: "cgroup_inet4_getpeername", kernelName: "BPF_CGROUP_INET4_GETPEERNAME" },
  { id: 30, name: "cgroup_inet6_getpeername", kernelName: "BPF_CGROUP_INET6_GETPEERNAME" },
  { id: 31, name: "cgroup_inet4_getsockname", kernelName: "BPF_CGROUP_INET4_GETSOCKNAME" },
  { id: 32, name: "cgroup_inet6_getsockname", kernelName: "BPF_CGROUP_INET6_GETSOCKNAME" },
  { id: 33, name: "xdp_devmap", kernelName: "BPF_XDP_DEVMAP" },
  { id: 34, name: "cgroup_inet_sock_release", kernelName: "BPF_CGROUP_INET_SOCK_RELEASE" },
  { id: 35, name: "xdp_cpumap", kernelName: "BPF_XDP_CPUMAP" },
  { id: 36, name: "sk_lookup", kernelName: "BPF_SK_LOOKUP" },
  { id: 37, name: "xdp", kernelName: "BPF_XDP" },
  { id: 38, name: "sk_skb_verdict", kernelName: "BPF_SK_SKB_VERDICT" },
  { id: 39, name: "sk_reuseport_select", kernelName: "BPF_SK_REUSEPORT_SELECT" },
  { id: 40, name: "sk_reuseport_select_or_migrate", kernelName: "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE" },
  { id: 41, name: "perf_event", kernelName: "BPF_PERF_EVENT" },
  { id: 42, name: "trace_kprobe_multi", kernelName: "BPF_TRACE_KPROBE_MULTI" },
  { id: 43, name: "lsm_cgroup", kernelName: "BPF_LSM_CGROUP" },
  { id: 44, name: "struct_ops", kernelName: "BPF_STRUCT_OPS" },
  { id: 45, name: "netfilter", kernelName: "BPF_NETFILTER" },
  { id: 46, name: "tcx_ingress", kernelName: "BPF_TCX_INGRESS" },
  { id: 47, name: "tcx_egress", kernelName: "BPF_TCX_EGRESS" },
  { id: 48, name: "trace_uprobe_multi", kernelName: "BPF_TRACE_UPROBE_MULTI" },
  { id: 49, name: "cgroup_unix_connect", kernelName: "BPF_CGROUP_UNIX_CONNECT" },
  { id: 50, name: "cgroup_unix_sendmsg", kernelName: "BPF_CGROUP_UNIX_SENDMSG" },
  { id: 51, name: "cgroup_unix_recvmsg", kernelName: "BPF_CGROUP_UNIX_RECVMSG" },
  { id: 52, name: "cgroup_unix_getpeername", kernelName: "BPF_CGROUP_UNIX_GETPEERNAME" },
  { id: 53, name: "cgroup_unix_getsockname", kernelName: "BPF_CGROUP_UNIX_GETSOCKNAME" },
  { id: 54, name: "netkit_primary", kernelName: "BPF_NETKIT_PRIMARY" },
  { id: 55, name: "netkit_peer", kernelName: "BPF_NETKIT_PEER" },
  { id: 56, name: "trace_kprobe_session", kernelName: "BPF_TRACE_KPROBE_SESSION" },
  { id: 57, name: "trace_uprobe_session", kernelName: "BPF_TRACE_UPROBE_SESSION" },
] as const;

/** Where a program is attached (`enum bpf_attach_type`), by the names above. */
export type AttachType = (typeof attachTypes)[number]["name"];

const byName: ReadonlyMap<string, number> = new Map(attachTypes.map((type, id) => [type.name, id]));

/** The number of an attach type. */
export function attachTypeId(name: AttachType): number {
  return byName.get(name)!;
}

/** The name of an attach type's number, or undefined for a number that 6.18 doesn't know. */
export function attachTypeName(id: number): AttachType | undefined {
  return attachTypes[id]?.name;
}
