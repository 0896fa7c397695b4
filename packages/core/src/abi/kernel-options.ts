import { type MapType, mapTypes } from "./map-types.js";
import { type ProgramType, programTypes } from "./program-types.js";

/** A kernel's configuration: `CONFIG_HZ` to `"250"`, `"y"`, `"m"` or a quoted string; options that are not set are absent. */
export type KernelConfig = ReadonlyMap<string, string>;

/** Parses the format of `.config`, `/proc/config.gz` (unpacked) and `/boot/config-*`. */
export function parseKernelConfig(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    if (line.startsWith("CONFIG_") && equals > 0) options.set(line.slice(0, equals), line.slice(equals + 1).trim());
  }
  return options;
}

/** What a kernel lacks without an option. Helpers by name, or `name/variant` where only that one goes. */
interface OptionRow {
  readonly option: string;
  readonly programTypes?: readonly ProgramType[];
  readonly mapTypes?: readonly MapType[];
  readonly helpers?: string;
  /** Prefixes of the names of kernel functions. */
  readonly kfuncs?: string;
  /** As a module it brings types of its own, which vmlinux does not have. */
  readonly builtIn?: true;
}

const cgroupTypes: readonly ProgramType[] = ["cgroup_skb", "cgroup_sock", "cgroup_sock_addr"];
const inetMaps: readonly MapType[] = ["sockmap", "sockhash", "reuseport_sockarray"];

const rows: readonly OptionRow[] = [
  { option: "BPF_SYSCALL", programTypes: programTypes.map(({ name }) => name), mapTypes: mapTypes.map((t) => t.name) },
  {
    option: "NET",
    programTypes: [
      ...(["socket_filter", "sched_cls", "sched_act", "xdp", ...cgroupTypes] as const),
      ...([
        "lwt_in",
        "lwt_out",
        "lwt_xmit",
        "lwt_seg6local",
        "sock_ops",
        "sk_skb",
        "sk_msg",
        "flow_dissector",
      ] as const),
    ],
    mapTypes: ["devmap", "devmap_hash", "sk_storage", "cpumap", "xskmap", ...inetMaps],
    helpers: "skb_output xdp_output",
  },
  {
    option: "INET",
    programTypes: ["sk_reuseport", "sk_lookup"],
    mapTypes: inetMaps,
    helpers: `sk_lookup_tcp sk_lookup_udp sk_release skc_lookup_tcp tcp_sock get_listener_sock skb_ecn_set_ce
      tcp_check_syncookie tcp_gen_syncookie sk_assign skb_set_tstamp load_hdr_opt store_hdr_opt reserve_hdr_opt`,
    kfuncs: "bpf_sock_destroy",
  },
  {
    option: "CGROUPS",
    mapTypes: ["cgroup_array", "cgrp_storage"],
    helpers: `cgrp_storage_get cgrp_storage_delete get_current_cgroup_id get_current_ancestor_cgroup_id
      current_task_under_cgroup`,
    kfuncs: "bpf_cgroup_",
  },
  {
    option: "CGROUP_BPF",
    programTypes: [...cgroupTypes, "cgroup_device", "cgroup_sysctl", "cgroup_sockopt"],
    mapTypes: ["cgroup_storage", "percpu_cgroup_storage"],
    helpers: "get_local_storage",
  },
  {
    option: "BPF_EVENTS",
    programTypes: ["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable", "tracing"],
    helpers: "trace_printk trace_vprintk perf_event_read_value",
  },
  { option: "PERF_EVENTS", mapTypes: ["stack_trace"] },
  { option: "BPF_LIRC_MODE2", programTypes: ["lirc_mode2"] },
  { option: "BPF_JIT", programTypes: ["struct_ops", "ext", "lsm"], mapTypes: ["struct_ops"] },
  { option: "BPF_LSM", programTypes: ["lsm"], mapTypes: ["inode_storage"] },
  { option: "NETFILTER_BPF_LINK", programTypes: ["netfilter"] },
  { option: "XDP_SOCKETS", mapTypes: ["xskmap"] },
  { option: "XFRM", helpers: "skb_get_xfrm_state", kfuncs: "bpf_xdp_get_xfrm_state bpf_xdp_xfrm_state_release" },
  {
    option: "SOCK_CGROUP_DATA",
    helpers: "skb_cgroup_id skb_ancestor_cgroup_id sk_cgroup_id sk_ancestor_cgroup_id",
  },
  { option: "CGROUP_NET_CLASSID", helpers: "skb_cgroup_classid get_cgroup_classid/current" },
  {
    option: "SYN_COOKIES",
    helpers: `tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4
      tcp_raw_check_syncookie_ipv6`,
  },
  { option: "IPV6_SEG6_BPF", helpers: "lwt_seg6_store_bytes lwt_seg6_action lwt_seg6_adjust_srh" },
  { option: "NF_CONNTRACK", kfuncs: "bpf_ct_ bpf_skb_ct_ bpf_xdp_ct_", builtIn: true },
  { option: "CRYPTO", kfuncs: "bpf_crypto_" },
  { option: "TCP_CONG_BBR", kfuncs: "bbr_", builtIn: true },
  { option: "TCP_CONG_CUBIC", kfuncs: "cubictcp_", builtIn: true },
  { option: "KEYS", kfuncs: "bpf_lookup_user_key bpf_lookup_system_key bpf_key_put" },
];

/** What a kernel is built without, each with the option (`CONFIG_...`) that would bring it. */
export interface BuiltWithout {
  programType(type: ProgramType): string | undefined;
  mapType(type: MapType): string | undefined;
  helper(name: string, variant?: string): string | undefined;
  kfunc(name: string): string | undefined;
}

const words = (text = "") => text.split(/\s+/);

/**
 * What is missing from a kernel of that configuration: program types, map types, helpers and kernel functions, as far
 * as an option of their own decides. Other options (the JIT's, hardening) are taken as distributions have them.
 */
export function builtWithout(config: KernelConfig): BuiltWithout {
  const absent = rows.filter(({ option, builtIn }) => {
    const value = config.get(`CONFIG_${option}`);
    return value !== "y" && (builtIn === true || value !== "m");
  });
  const find = (test: (row: OptionRow) => boolean | undefined) => {
    const row = absent.find(test);
    return row && `CONFIG_${row.option}`;
  };
  return {
    programType: (type) => find((row) => row.programTypes?.includes(type)),
    mapType: (type) => find((row) => row.mapTypes?.includes(type)),
    helper: (name, variant) =>
      find(({ helpers }) => words(helpers).some((each) => each === name || each === `${name}/${variant}`)),
    kfunc: (name) => find(({ kfuncs }) => kfuncs !== undefined && words(kfuncs).some((each) => name.startsWith(each))),
  };
}
