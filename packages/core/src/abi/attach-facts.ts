import { type AttachType, attachTypes } from "./attach-types.js";
import type { ProgramType } from "./program-types.js";

/**
 * What the kernel knows of the functions, tracepoints and hooks that programs attach to, beyond their types. Names are
 * those of the kernel's BTF, without the prefix that all of a kind have. As of Linux 6.18.
 */

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/**
 * Tracepoints with arguments that may be null (`name:index`) or hold an error in place of a pointer (`name:index!`).
 */
const looseTracepoints: ReadonlyMap<string, string> = new Map(
  [
    ...words(`
      afs_flock_ev:1 afs_make_fs_call1:1 afs_make_fs_call2:1 afs_make_fs_call:1 afs_make_fs_calli:1
      afs_protocol_error:0 amdgpu_vm_bo_map:0 amdgpu_vm_bo_unmap:0 amdtp_packet:2 binder_transaction:2
      break_lease_block:1 break_lease_noblock:1 break_lease_unblock:1 btree_path_free:2 cachefiles_io_error:0
      cachefiles_lookup:0,2! cachefiles_mark_active:0 cachefiles_mark_failed:0 cachefiles_mark_inactive:0
      cachefiles_ondemand_close:0 cachefiles_ondemand_copen:0 cachefiles_ondemand_cread:0
      cachefiles_ondemand_fd_release:0 cachefiles_ondemand_fd_write:0 cachefiles_ondemand_open:0
      cachefiles_ondemand_read:0 cachefiles_prep_read:0 cachefiles_rename:0 cachefiles_unlink:0
      cachefiles_vfs_error:0 cfg80211_inform_bss_frame:2 cfg80211_michael_mic_failure:4
      cfg80211_report_wowlan_wakeup:2 cfg80211_scan_done:0,1 coda_dec_pic_done:1 coda_dec_pic_run:1
      device_pm_callback_start:1 dpu_crtc_setup_mixer:2 ext4_mballoc_discard:1 ext4_mballoc_free:1 fcntl_setlk:1
      fib_table_lookup:2 flock_lock_inode:1 folio_wait_writeback:1 generic_delete_lease:1 hfi1_sdma_progress:3
      host1x_cdma_push_gather:4 hugetlbfs_alloc_inode:1 iptfs_ingress_postq_event:3 kfree_skb:3
      kvm_page_fault_enter:2 locks_remove_posix:1 mm_collapse_huge_page_isolate:0 mm_khugepaged_collapse_file:1
      mm_khugepaged_scan_file:1 mm_khugepaged_scan_pmd:1 mm_page_alloc:0 mm_page_alloc_zone_locked:0
      mm_page_pcpu_drain:0 mr_integ_alloc:3! neigh_update:1 netfs_failure:1 netfs_folioq:0
      nfs4_inode_callback_event:2! nfs4_inode_stateid_callback_event:2! nfs4_setup_sequence:0 nfsd_dirent:0
      nfsd_file_acquire:0,3 nfsd_file_cons_err:0 nfsd_file_insert_err:0 pnfs_mds_fallback_pg_get_mirror_count:4
      pnfs_mds_fallback_pg_init_read:4 pnfs_mds_fallback_pg_init_write:4 pnfs_mds_fallback_read_done:4
      pnfs_mds_fallback_read_pagelist:4 pnfs_mds_fallback_write_done:4 pnfs_mds_fallback_write_pagelist:4
      pnfs_update_layout:4 posix_lock_inode:1 qdisc_dequeue:3 rdev_set_coalesce:1 rxrpc_client:0 rxrpc_recvdata:0
      rxrpc_resend:1 rxrpc_tq:1 sched_pi_setprio:1 sched_stick_numa:2 sched_swap_numa:2 spufs_context:1
      tcp_send_reset:0,1 tcp_sendmsg_locked:2 tegra_dma_tx_status:2 time_out_leases:1 tmigr_update_events:0
      wiphy_work_cancel:1 wiphy_work_flush:1 wiphy_work_queue:1 wiphy_work_run:1 writeback_dirty_folio:1
      xchk_metapath_lookup:2 xchk_nlinks_live_update:1 xfs_blockgc_flush_all:0 xfs_blockgc_free_space:1
      xfs_blockgc_start:0 xfs_blockgc_stop:0 xfs_blockgc_worker:0 xfs_btree_overlapped_query_range:2
      xfs_btree_updkeys:2 xfs_defer_add_item:0 xfs_defer_cancel_item:0 xfs_defer_cancel_list:0
      xfs_defer_create_intent:0 xfs_defer_finish_item:0 xfs_defer_isolate_paused:0 xfs_defer_item_pause:0
      xfs_defer_item_unpause:0 xfs_defer_pending_abort:0 xfs_defer_pending_finish:0 xfs_defer_relog_intent:0
      xfs_fs_sync_fs:0 xfs_inodegc_flush:0 xfs_inodegc_push:0 xfs_inodegc_queue:0 xfs_inodegc_start:0
      xfs_inodegc_stop:0 xfs_inodegc_throttle:0 xfs_ioc_free_eofblocks:1 xfs_iomap_alloc:3 xfs_iomap_found:3
      xfs_map_blocks_alloc:4 xfs_map_blocks_found:4 xprt_get_cong:1 xprt_put_cong:1 xprt_release_cong:1
      xprt_reserve_cong:1 xs_stream_read_data:0
    `),
  ].map((row) => row.split(":") as [string, string]),
);

/** Can a tracepoint's argument be null, or an error? Tracepoints that aren't listed pass valid pointers. */
export function tracepointArgument(tracepoint: string, index: number): "valid" | "nullable" | "error" {
  const places = looseTracepoints.get(tracepoint)?.split(",") ?? [];
  if (places.includes(`${index}!`)) return "error";
  return places.includes(`${index}`) ? "nullable" : "valid";
}

/** What a program that iterates finds in an argument, where that isn't a valid pointer. */
export type IteratorArgument = "trusted?" | "plain?" | "buf?" | "buf_rdonly?";

/** Things that programs can iterate over (`bpf_iter_<name>` in BTF), and the arguments that may be null. */
export const iteratorTargets: Readonly<Record<string, Readonly<Record<string, IteratorArgument>>>> = {
  bpf_link: { link: "plain?" },
  bpf_map: { map: "trusted?" },
  bpf_map_elem: { key: "buf_rdonly?", value: "buf?" },
  bpf_prog: { prog: "plain?" },
  bpf_sk_storage_map: { sk: "plain?", value: "buf?" },
  cgroup: { cgroup: "trusted?" },
  dmabuf: { dmabuf: "plain?" },
  ipv6_route: { rt: "plain?" },
  kmem_cache: { s: "trusted?" },
  ksym: { ksym: "plain?" },
  netlink: { sk: "plain?" },
  sockmap: { key: "buf_rdonly?", sk: "plain?" },
  task: { task: "trusted?" },
  task_file: { task: "plain?", file: "plain?" },
  task_vma: { task: "plain?", vma: "plain?" },
  tcp: { sk_common: "trusted?" },
  udp: { udp_sk: "trusted?" },
  unix: { unix_sk: "plain?" },
};

/** LSM hooks (`bpf_lsm_<name>` in BTF). */
export const lsmHooks = {
  /** Their arguments may be on their way in or out of life. */
  untrusted: words(`
    bpf_map_free bpf_prog_free file_alloc_security file_free_security sk_alloc_security sk_free_security task_free
  `),
  sleepable: words(`
    bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_load bpf_prog_free bpf_token_create bpf_token_free
    bpf_token_cmd bpf_token_capable bprm_check_security bprm_committed_creds bprm_committing_creds
    bprm_creds_for_exec bprm_creds_from_file capget capset cred_prepare file_ioctl file_lock file_open
    file_post_open file_receive inode_create inode_free_security inode_getattr inode_getxattr inode_mknod
    inode_need_killpriv inode_post_setxattr inode_post_removexattr inode_readlink inode_removexattr inode_rename
    inode_rmdir inode_setattr inode_setxattr inode_symlink inode_unlink kernel_module_request kernel_read_file
    kernfs_init_security path_unlink path_mkdir path_rmdir path_truncate path_symlink path_link path_rename
    path_chmod path_chown mmap_file netlink_send path_notify release_secctx sb_alloc_security sb_eat_lsm_opts
    sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options sb_statfs sb_umount settime
    inet_conn_established socket_accept socket_bind socket_connect socket_create socket_getpeername
    socket_getpeersec_dgram socket_getsockname socket_getsockopt socket_listen socket_post_create socket_recvmsg
    socket_sendmsg socket_shutdown socket_socketpair syslog task_alloc task_prctl task_setscheduler task_to_inode
    userns_create
  `),
  /** No program can attach to them. */
  disabled: words(`
    vm_enough_memory inode_need_killpriv inode_getsecurity inode_listsecurity inode_copy_up_xattr getselfattr
    getprocattr setprocattr key_getsecurity audit_rule_match ismaclabel file_alloc_security
  `),
  /** Their result is 0 or 1; that of the others 0 or a negative errno. */
  boolean: words(`xfrm_state_pol_flow_match audit_rule_known inode_xattr_skipcap`),
  /** Functions that are called like hooks. */
  notHooks: words(`
    find_cgroup_shim func_proto get_retval_range init is_sleepable_hook is_trusted verify_prog
  `),
} as const;

/** Functions that no program can trace. */
export const untraceableFunctions: ReadonlySet<string> = words(`
  ___migrate_enable migrate_disable migrate_enable rcu_read_unlock_strict preempt_count_add preempt_count_sub
  __rcu_read_lock __rcu_read_unlock
`);

/** Functions that do not return: nothing can run when they do. */
export const functionsWithoutReturn: ReadonlySet<string> = words(`
  __ia32_sys_exit __ia32_sys_exit_group __kunit_abort kunit_try_catch_throw __module_put_and_kthread_exit
  __x64_sys_exit __x64_sys_exit_group do_exit do_group_exit kthread_complete_and_exit make_task_dead
`);

/** Functions whose result a program may change, beside those called `security_*` and those that take injected errors. */
export const modifiableFunctions: ReadonlySet<string> = words(`
  bpf_modify_return_test bpf_modify_return_test2 bpf_modify_return_test_tp bpf_fentry_test1 update_socket_protocol
`);

/** Functions that sleepable programs may attach to, beside those that take injected errors. */
export const sleepableFunctions: ReadonlySet<string> = words(`bpf_fentry_test1`);

/** What the kernel says of the members of an interface that programs implement. */
export interface StructOpsRules {
  /** Members that are no programs' business. */
  readonly unsupported: readonly string[];
  /** The only members that sleepable programs may implement; all, where absent. */
  readonly sleepable?: readonly string[];
  /** Arguments that may be null, by member. */
  readonly nullable?: Readonly<Record<string, readonly number[]>>;
  /** A struct whose pointers programs see as another: `sock` as `tcp_sock`. */
  readonly promotes?: readonly [from: string, to: string];
  /** The struct that programs may write to, and the members; all, where absent. */
  readonly writes?: { readonly struct: string; readonly members?: readonly string[] };
  /** What a write to another struct is refused with. */
  readonly refusal: string;
}

/** Interfaces (`struct_ops`) by the name of their struct. */
export const structOpsRules: Readonly<Record<string, StructOpsRules>> = {
  tcp_congestion_ops: {
    unsupported: ["get_info"],
    promotes: ["sock", "tcp_sock"],
    writes: {
      struct: "tcp_sock",
      members: [
        "inet_conn.icsk_inet.sk.sk_pacing_rate",
        "inet_conn.icsk_inet.sk.sk_pacing_status",
        "inet_conn.icsk_ca_priv",
        "inet_conn.icsk_ack.pending",
        "snd_cwnd",
        "snd_cwnd_cnt",
        "snd_cwnd_stamp",
        "snd_ssthresh",
        "ecn_flags",
        "app_limited",
      ],
    },
    refusal: "only read is supported",
  },
  bpf_dummy_ops: {
    unsupported: [],
    sleepable: ["test_sleepable"],
    nullable: { test_1: [0] },
    writes: { struct: "bpf_dummy_ops_state" },
    refusal: "only access to bpf_dummy_ops_state is supported",
  },
};

const first = attachTypes[0].name;

/** Attach types that a program has to be loaded for one of; other types of programs take any. */
const loadableFor: Readonly<Partial<Record<ProgramType, readonly AttachType[]>>> = {
  cgroup_skb: ["cgroup_inet_ingress", "cgroup_inet_egress"],
  // Without a type, the kernel takes the first of these.
  cgroup_sock: [
    ...(["cgroup_inet_ingress", "cgroup_inet_sock_create", "cgroup_inet_sock_release"] as const),
    ...(["cgroup_inet4_post_bind", "cgroup_inet6_post_bind"] as const),
  ],
  cgroup_sock_addr: [
    ...(["cgroup_inet4_bind", "cgroup_inet6_bind"] as const),
    ...(["cgroup_inet4_connect", "cgroup_inet6_connect", "cgroup_unix_connect"] as const),
    ...(["cgroup_inet4_getpeername", "cgroup_inet6_getpeername", "cgroup_unix_getpeername"] as const),
    ...(["cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "cgroup_unix_getsockname"] as const),
    ...(["cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "cgroup_unix_sendmsg"] as const),
    ...(["cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_unix_recvmsg"] as const),
  ],
  cgroup_sockopt: ["cgroup_getsockopt", "cgroup_setsockopt"],
  sk_lookup: ["sk_lookup"],
  sk_reuseport: ["cgroup_inet_ingress", "sk_reuseport_select", "sk_reuseport_select_or_migrate"],
  netfilter: ["netfilter"],
  syscall: ["cgroup_inet_ingress"],
  ext: ["cgroup_inet_ingress"],
};

/** Does the kernel load a program of the type for the attach type? None stands for the first, which is number 0. */
export function canLoadFor(type: ProgramType, attachType: AttachType | undefined): boolean {
  return loadableFor[type]?.includes(attachType ?? first) ?? true;
}
