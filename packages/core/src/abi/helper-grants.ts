import type { AttachType } from "./attach-types.js";
import type { HelperGrant } from "./program-rules.js";
import type { ProgramType } from "./program-types.js";

// Which helpers a program of a type may call, as Linux 6.18 answers when each is asked about each (a call of a helper
// that isn't granted is "program of this type cannot use helper ..."). `tests/helper-grants.test.ts` asks again.

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function grants(helpers: readonly string[], more: Omit<HelperGrant, "helper"> = {}): readonly HelperGrant[] {
  return helpers.map((helper) => ({ helper, ...more }));
}

function variant(helper: string, name: string): HelperGrant {
  return { helper, variant: name };
}

/** What every program type may call (`bpf_base_func_proto`), with the capabilities that some of it needs. */
export const baseHelpers: readonly HelperGrant[] = [
  ...grants(
    words(`
    map_lookup_elem map_update_elem map_delete_elem ktime_get_ns get_prandom_u32 tail_call get_current_pid_tgid get_numa_node_id
    map_push_elem map_pop_elem map_peek_elem strtol strtoul get_ns_current_pid_tgid ktime_get_boot_ns ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard
    ringbuf_query strncmp map_lookup_percpu_elem ktime_get_tai_ns
  `),
  ),
  // A call; tracing, xdp, tc and lwt types have the one that the kernel writes out in place.
  variant("get_smp_processor_id", "raw"),
  ...grants(
    words(`
      get_current_uid_gid current_task_under_cgroup get_current_cgroup_id spin_lock spin_unlock
      jiffies64 get_current_ancestor_cgroup_id per_cpu_ptr this_cpu_ptr task_storage_get task_storage_delete
      for_each_map_elem timer_init timer_set_callback timer_start timer_cancel loop kptr_xchg dynptr_from_mem
      ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_read dynptr_write dynptr_data
      user_ringbuf_drain cgrp_storage_get cgrp_storage_delete
    `),
    { capability: "bpf" },
  ),
  // Of the task that runs; types that are given a packet of a socket have the same helper for the packet's socket.
  { helper: "get_cgroup_classid", variant: "current", capability: "bpf" },
  ...grants(
    words(`
      trace_printk get_current_comm perf_event_read get_current_task perf_event_read_value send_signal
      probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str send_signal_thread get_task_stack
      copy_from_user snprintf_btf get_current_task_btf snprintf task_pt_regs get_branch_snapshot trace_vprintk
      find_vma copy_from_user_task
    `),
    { capability: "perfmon" },
  ),
];

/** Casts of sockets, and the coarse clock: what networking types share (`bpf_sk_base_func_proto`). */
const socketCasts: readonly HelperGrant[] = [
  ...grants(
    words(`
    skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock
    skc_to_unix_sock skc_to_mptcp_sock
  `),
    { capability: "perfmon" },
  ),
  ...grants(["ktime_get_coarse_ns"]),
];

/** Attach types of cgroup programs that let no error be returned, so that there is none to read or replace. */
const withoutReturnValue: readonly AttachType[] = [
  "cgroup_inet_ingress",
  "cgroup_inet_egress",
  "cgroup_sock_ops",
  "cgroup_udp4_recvmsg",
  "cgroup_udp6_recvmsg",
  "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_inet6_getsockname",
  "cgroup_unix_recvmsg",
  "cgroup_unix_getpeername",
  "cgroup_unix_getsockname",
];

const returnValueHelpers = grants(["get_retval", "set_retval"], { notAttachTypes: withoutReturnValue });

const tracingHelpers: readonly HelperGrant[] = [
  ...grants(
    words(`
    get_smp_processor_id probe_read perf_event_output get_stackid probe_read_str get_stack get_func_ip
    get_attach_cookie
  `),
  ),
];

const trampolines: readonly AttachType[] = ["trace_fentry", "trace_fexit", "modify_return", "lsm_mac", "lsm_cgroup"];

/** What programs with the kernel's types in their context may call (`tracing_prog_func_proto`). */
const typedTracingHelpers: readonly HelperGrant[] = [
  ...grants(words("get_smp_processor_id probe_read perf_event_output get_stackid probe_read_str get_func_ip")),
  { helper: "get_stack", sleepableVariant: "sleepable" },
  ...grants(
    words(`
      skb_output xdp_output skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock
      skc_to_udp6_sock skc_to_unix_sock skc_to_mptcp_sock sock_from_file d_path
    `),
  ),
  variant("get_socket_cookie", "socket"),
  variant("xdp_get_buff_len", "tracing"),
  ...grants(["get_func_arg", "get_func_ret", "get_func_arg_cnt"], { attachTypes: trampolines }),
];

const tracingStorageHelpers = [variant("sk_storage_get", "tracing"), variant("sk_storage_delete", "tracing")];

const tcHelpers: readonly HelperGrant[] = [
  ...grants(["get_smp_processor_id", "get_cgroup_classid"]),
  ...socketCasts,
  ...grants(
    words(`
    skb_store_bytes l3_csum_replace l4_csum_replace clone_redirect skb_vlan_push skb_vlan_pop skb_get_tunnel_key
    skb_set_tunnel_key redirect get_route_realm perf_event_output skb_load_bytes csum_diff skb_get_tunnel_opt
    skb_set_tunnel_opt skb_change_proto skb_change_type skb_under_cgroup get_hash_recalc skb_change_tail
    skb_pull_data csum_update set_hash_invalid skb_change_head get_socket_cookie get_socket_uid set_hash
    skb_adjust_room skb_get_xfrm_state skb_load_bytes_relative fib_lookup skb_cgroup_id skb_ancestor_cgroup_id
    sk_lookup_tcp sk_lookup_udp sk_release sk_fullsock tcp_sock skb_ecn_set_ce get_listener_sock skc_lookup_tcp
    tcp_check_syncookie sk_storage_get sk_storage_delete tcp_gen_syncookie get_netns_cookie sk_assign csum_level
    skb_cgroup_classid redirect_neigh redirect_peer check_mtu skb_set_tstamp tcp_raw_gen_syncookie_ipv4
    tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6
  `),
  ),
];

/** What each type may call beyond {@link baseHelpers}. */
export const helperGrants: Readonly<Record<ProgramType, readonly HelperGrant[]>> = {
  socket_filter: [
    ...socketCasts,
    ...grants(
      words(`
      perf_event_output skb_load_bytes get_socket_cookie get_socket_uid skb_load_bytes_relative get_netns_cookie
    `),
    ),
  ],
  kprobe: [...tracingHelpers],
  sched_cls: tcHelpers,
  sched_act: tcHelpers,
  tracepoint: [...tracingHelpers],
  xdp: [
    ...socketCasts,
    ...grants(
      words(`
      get_smp_processor_id redirect perf_event_output csum_diff xdp_adjust_head redirect_map xdp_adjust_meta xdp_adjust_tail fib_lookup
      sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp tcp_check_syncookie tcp_gen_syncookie check_mtu
      xdp_get_buff_len xdp_load_bytes xdp_store_bytes tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6
      tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6
    `),
    ),
  ],
  perf_event: [
    ...tracingHelpers,
    variant("get_stackid", "perf_event"),
    ...grants(words("perf_prog_read_value read_branch_records")),
  ],
  cgroup_skb: [
    ...socketCasts,
    ...grants(
      words(`
      perf_event_output skb_load_bytes get_socket_cookie get_socket_uid skb_load_bytes_relative skb_cgroup_id
      get_local_storage skb_ancestor_cgroup_id sk_lookup_tcp sk_lookup_udp sk_release sk_fullsock tcp_sock
      skb_ecn_set_ce get_listener_sock skc_lookup_tcp sk_storage_get sk_storage_delete get_netns_cookie sk_cgroup_id
      sk_ancestor_cgroup_id
    `),
    ),
  ],
  cgroup_sock: [
    ...grants(
      words(`
      perf_event_output get_socket_cookie get_local_storage get_netns_cookie ktime_get_coarse_ns get_retval
      set_retval
    `),
    ),
    variant("sk_storage_get", "cgroup_sock"),
  ],
  lwt_in: [
    ...grants(["get_smp_processor_id", "get_cgroup_classid"]),
    ...socketCasts,
    ...grants(
      words(`
      get_route_realm perf_event_output skb_load_bytes csum_diff skb_under_cgroup get_hash_recalc skb_pull_data
      lwt_push_encap
    `),
    ),
  ],
  lwt_out: [
    ...grants(["get_smp_processor_id", "get_cgroup_classid"]),
    ...socketCasts,
    ...grants(
      words(`
      get_route_realm perf_event_output skb_load_bytes csum_diff skb_under_cgroup get_hash_recalc skb_pull_data
    `),
    ),
  ],
  lwt_xmit: [
    ...grants(["get_smp_processor_id", "get_cgroup_classid"]),
    ...socketCasts,
    ...grants(
      words(`
      skb_store_bytes l3_csum_replace l4_csum_replace clone_redirect skb_get_tunnel_key skb_set_tunnel_key redirect
      get_route_realm perf_event_output skb_load_bytes csum_diff skb_get_tunnel_opt skb_set_tunnel_opt
      skb_under_cgroup get_hash_recalc skb_change_tail skb_pull_data csum_update set_hash_invalid skb_change_head
      lwt_push_encap csum_level
    `),
    ),
  ],
  sock_ops: [
    ...socketCasts,
    ...grants(
      words(`
      perf_event_output get_socket_cookie setsockopt sock_map_update getsockopt sock_ops_cb_flags_set
      sock_hash_update get_local_storage tcp_sock sk_storage_get sk_storage_delete get_netns_cookie load_hdr_opt
      store_hdr_opt reserve_hdr_opt
    `),
    ),
    ...returnValueHelpers,
  ],
  sk_skb: [
    ...socketCasts,
    ...grants(
      words(`
      skb_store_bytes perf_event_output skb_load_bytes skb_change_tail skb_pull_data skb_change_head
      get_socket_cookie get_socket_uid skb_adjust_room sk_redirect_map sk_redirect_hash sk_lookup_tcp sk_lookup_udp
      sk_release skc_lookup_tcp
    `),
    ),
  ],
  cgroup_device: [...grants(words("perf_event_output get_local_storage")), ...returnValueHelpers],
  sk_msg: [
    ...socketCasts,
    ...grants(
      words(`
      perf_event_output msg_redirect_map msg_apply_bytes msg_cork_bytes msg_pull_data msg_redirect_hash
      msg_push_data msg_pop_data sk_storage_get sk_storage_delete get_netns_cookie
    `),
    ),
  ],
  raw_tracepoint: [...tracingHelpers],
  cgroup_sock_addr: [
    ...socketCasts,
    ...grants(
      words(`
      perf_event_output get_socket_cookie setsockopt getsockopt get_local_storage sk_release sk_storage_get
      sk_storage_delete get_netns_cookie
    `),
    ),
    variant("sk_lookup_tcp", "sock_addr"),
    variant("sk_lookup_udp", "sock_addr"),
    variant("skc_lookup_tcp", "sock_addr"),
    ...returnValueHelpers,
    { helper: "bind", attachTypes: ["cgroup_inet4_connect", "cgroup_inet6_connect"] },
  ],
  lwt_seg6local: [
    ...grants(["get_smp_processor_id", "get_cgroup_classid"]),
    ...socketCasts,
    ...grants(
      words(`
      get_route_realm perf_event_output skb_load_bytes csum_diff skb_under_cgroup get_hash_recalc skb_pull_data
      lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action
    `),
    ),
  ],
  lirc_mode2: grants(words("rc_repeat rc_keydown rc_pointer_rel"), { capability: "bpf" }),
  sk_reuseport: [
    ...grants(words("skb_load_bytes skb_load_bytes_relative sk_select_reuseport ktime_get_coarse_ns")),
    variant("get_socket_cookie", "socket"),
  ],
  flow_dissector: [...socketCasts, ...grants(words("skb_load_bytes"))],
  cgroup_sysctl: [
    ...grants(
      words(`
      perf_event_output get_local_storage sysctl_get_name sysctl_get_current_value sysctl_get_new_value
      sysctl_set_new_value ktime_get_coarse_ns
    `),
    ),
    ...returnValueHelpers,
  ],
  raw_tracepoint_writable: [...tracingHelpers],
  cgroup_sockopt: [
    ...grants(
      words(`
      perf_event_output get_local_storage tcp_sock sk_storage_get sk_storage_delete get_netns_cookie get_retval
      set_retval
    `),
    ),
    { helper: "setsockopt", variant: "socket", attachTypes: ["cgroup_setsockopt"] },
    { helper: "getsockopt", variant: "socket", attachTypes: ["cgroup_setsockopt"] },
  ],
  tracing: [
    ...typedTracingHelpers,
    ...tracingStorageHelpers,
    { helper: "get_attach_cookie", attachTypes: ["trace_raw_tp", "trace_fentry", "trace_fexit", "modify_return"] },
    ...grants(["seq_printf", "seq_write", "seq_printf_btf"], { attachTypes: ["trace_iter"] }),
    // Iterators over TCP and Unix sockets only: their context holds a socket that is locked.
    ...["setsockopt", "getsockopt"].map((helper) => ({
      helper,
      variant: "socket",
      attachTo: ["bpf_iter_tcp", "bpf_iter_unix"],
    })),
  ],
  // For tcp_congestion_ops, the one struct_ops with helpers of its own.
  struct_ops: [
    ...grants(words("sk_storage_get sk_storage_delete tcp_send_ack ktime_get_coarse_ns")).map((grant) => ({
      ...grant,
      attachTo: ["tcp_congestion_ops"],
    })),
    ...["setsockopt", "getsockopt"].map((helper) => ({ helper, variant: "socket", attachTo: ["tcp_congestion_ops"] })),
  ],
  // A replaced function has the helpers of its program's type.
  ext: [],
  lsm: [
    ...typedTracingHelpers,
    ...grants(words("sk_storage_get sk_storage_delete inode_storage_get inode_storage_delete bprm_opts_set")),
    ...grants(words("ima_inode_hash ima_file_hash get_attach_cookie")),
    ...returnValueHelpers.map((grant) => ({ ...grant, attachTypes: ["lsm_cgroup" as const] })),
  ],
  sk_lookup: [...socketCasts, ...grants(words("perf_event_output sk_release")), variant("sk_assign", "sk_lookup")],
  syscall: [
    ...typedTracingHelpers,
    ...tracingStorageHelpers,
    ...grants(["sys_bpf"], { capability: "perfmon" }),
    ...grants(words("btf_find_by_name_kind sys_close kallsyms_lookup_name")),
  ],
  netfilter: [],
};
