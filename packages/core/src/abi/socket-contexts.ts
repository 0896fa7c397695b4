import type { AttachType } from "./attach-types.js";
import type { ContextLayout } from "./context-layout.js";

const socketCreation: readonly AttachType[] = [
  "cgroup_inet_sock_create",
  "cgroup_inet_sock_release",
  // Number 0: programs older than attach types, which the kernel takes for sock_create.
  "cgroup_inet_ingress",
];

// biome-ignore format: one row a field
export const cgroupSockContext: ContextLayout = {
  struct: "bpf_sock",
  size: 80,
  fields: [
    { name: "bound_dev_if", offset: 0, size: 4, read: "exact", write: "exact", attachTypes: socketCreation },
    { name: "family", offset: 4, size: 4, read: "leading" },
    { name: "type", offset: 8, size: 4, read: "leading" },
    { name: "protocol", offset: 12, size: 4, read: "leading" },
    { name: "mark", offset: 16, size: 4, read: "exact", write: "exact", attachTypes: socketCreation },
    { name: "priority", offset: 20, size: 4, read: "exact", write: "exact", attachTypes: socketCreation },
    { name: "src_ip4", offset: 24, size: 4, read: "narrow", attachTypes: ["cgroup_inet4_post_bind"] },
    { name: "src_ip6", offset: 28, size: 4, count: 4, read: "narrow", attachTypes: ["cgroup_inet6_post_bind"] },
    { name: "src_port", offset: 44, size: 4, read: "leading", attachTypes: ["cgroup_inet4_post_bind", "cgroup_inet6_post_bind"] },
    { name: "dst_port", offset: 48, size: 2, read: "narrow" },
    // Programs built when dst_port was 4 bytes wide.
    { name: "dst_port", offset: 48, size: 4, read: "exact" },
    { name: "dst_ip4", offset: 52, size: 4, read: "narrow" },
    { name: "dst_ip6", offset: 56, size: 4, count: 4, read: "narrow" },
    { name: "state", offset: 72, size: 4, read: "leading" },
    { name: "rx_queue_mapping", offset: 76, size: 4, read: "leading" },
  ],
};

const ip4: readonly AttachType[] = [
  "cgroup_inet4_bind",
  "cgroup_inet4_connect",
  "cgroup_inet4_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_udp4_sendmsg",
  "cgroup_udp4_recvmsg",
];
const ip6: readonly AttachType[] = [
  "cgroup_inet6_bind",
  "cgroup_inet6_connect",
  "cgroup_inet6_getpeername",
  "cgroup_inet6_getsockname",
  "cgroup_udp6_sendmsg",
  "cgroup_udp6_recvmsg",
];

// biome-ignore format: one row a field
export const sockAddrContext: ContextLayout = {
  struct: "bpf_sock_addr",
  size: 72,
  fields: [
    { name: "user_family", offset: 0, size: 4, read: "exact" },
    { name: "user_ip4", offset: 4, size: 4, read: "narrow", write: "exact", attachTypes: ip4 },
    { name: "user_ip6", offset: 8, size: 4, count: 4, read: "within", write: "pair", attachTypes: ip6 },
    { name: "user_port", offset: 24, size: 4, read: "narrow", write: "exact" },
    { name: "family", offset: 28, size: 4, read: "exact" },
    { name: "type", offset: 32, size: 4, read: "exact" },
    { name: "protocol", offset: 36, size: 4, read: "exact" },
    { name: "msg_src_ip4", offset: 40, size: 4, read: "narrow", write: "exact", attachTypes: ["cgroup_udp4_sendmsg"] },
    { name: "msg_src_ip6", offset: 44, size: 4, count: 4, read: "within", write: "pair", attachTypes: ["cgroup_udp6_sendmsg"] },
    { name: "sk", offset: 64, size: 8, read: "exact", pointer: "socket" },
  ],
};

const sockOpsWords = [
  ...["family", "remote_ip4", "local_ip4"],
  ...["remote_ip6[0]", "remote_ip6[1]", "remote_ip6[2]", "remote_ip6[3]"],
  ...["local_ip6[0]", "local_ip6[1]", "local_ip6[2]", "local_ip6[3]"],
  ...["remote_port", "local_port", "is_fullsock", "snd_cwnd", "srtt_us", "bpf_sock_ops_cb_flags", "state", "rtt_min"],
  ...["snd_ssthresh", "rcv_nxt", "snd_nxt", "snd_una", "mss_cache", "ecn_flags", "rate_delivered", "rate_interval_us"],
  ...["packets_out", "retrans_out", "total_retrans", "segs_in", "data_segs_in", "segs_out", "data_segs_out"],
  ...["lost_out", "sacked_out"],
];

// biome-ignore format: one row a field
export const sockOpsContext: ContextLayout = {
  struct: "bpf_sock_ops",
  size: 224,
  fields: [
    { name: "op", offset: 0, size: 4, read: "exact" },
    { name: "reply", offset: 4, size: 4, read: "exact", write: "exact" },
    { name: "replylong", offset: 4, size: 4, count: 4, read: "exact" },
    ...sockOpsWords.map((name, index) => ({ name, offset: 20 + 4 * index, size: 4, read: "exact" as const })),
    { name: "sk_txhash", offset: 164, size: 4, read: "exact", write: "exact" },
    { name: "bytes_received", offset: 168, size: 8, read: "exact" },
    { name: "bytes_acked", offset: 176, size: 8, read: "exact" },
    { name: "sk", offset: 184, size: 8, read: "exact", pointer: "socket?" },
    { name: "skb_data", offset: 192, size: 8, read: "exact", pointer: "packet" },
    { name: "skb_data_end", offset: 200, size: 8, read: "exact", pointer: "packet_end" },
    { name: "skb_len", offset: 208, size: 4, read: "exact" },
    { name: "skb_tcp_flags", offset: 212, size: 4, read: "leading" },
    { name: "skb_hwtstamp", offset: 216, size: 8, read: "exact" },
  ],
};

// biome-ignore format: one row a field
export const skMsgContext: ContextLayout = {
  struct: "sk_msg_md",
  size: 80,
  fields: [
    { name: "data", offset: 0, size: 8, read: "exact", pointer: "packet" },
    { name: "data_end", offset: 8, size: 8, read: "exact", pointer: "packet_end" },
    { name: "family", offset: 16, size: 4, read: "exact" },
    { name: "remote_ip4", offset: 20, size: 4, read: "exact" },
    { name: "local_ip4", offset: 24, size: 4, read: "exact" },
    { name: "remote_ip6", offset: 28, size: 4, count: 4, read: "exact" },
    { name: "local_ip6", offset: 44, size: 4, count: 4, read: "exact" },
    { name: "remote_port", offset: 60, size: 4, read: "exact" },
    { name: "local_port", offset: 64, size: 4, read: "exact" },
    { name: "size", offset: 68, size: 4, read: "exact" },
    { name: "sk", offset: 72, size: 8, read: "exact", pointer: "socket" },
  ],
};

// biome-ignore format: one row a field
export const skReuseportContext: ContextLayout = {
  struct: "sk_reuseport_md",
  size: 56,
  fields: [
    { name: "data", offset: 0, size: 8, read: "exact", pointer: "packet" },
    { name: "data_end", offset: 8, size: 8, read: "exact", pointer: "packet_end" },
    { name: "len", offset: 16, size: 4, read: "narrow" },
    { name: "eth_protocol", offset: 20, size: 4, read: "narrow", least: 2 },
    { name: "ip_protocol", offset: 24, size: 4, read: "narrow" },
    { name: "bind_inany", offset: 28, size: 4, read: "narrow" },
    { name: "hash", offset: 32, size: 4, read: "exact" },
    { name: "sk", offset: 40, size: 8, read: "exact", pointer: "socket" },
    { name: "migrating_sk", offset: 48, size: 8, read: "exact", pointer: "sock_common?" },
  ],
};

// biome-ignore format: one row a field
export const skLookupContext: ContextLayout = {
  struct: "bpf_sk_lookup",
  size: 72,
  fields: [
    { name: "sk", offset: 0, size: 8, read: "exact", pointer: "socket?" },
    { name: "family", offset: 8, size: 4, read: "narrow" },
    { name: "protocol", offset: 12, size: 4, read: "narrow" },
    { name: "remote_ip4", offset: 16, size: 4, read: "narrow" },
    { name: "remote_ip6", offset: 20, size: 4, count: 4, read: "narrow" },
    // 2 bytes and 2 of zero padding, which are readable as well.
    { name: "remote_port", offset: 36, size: 4, read: "narrow" },
    { name: "local_ip4", offset: 40, size: 4, read: "narrow" },
    { name: "local_ip6", offset: 44, size: 4, count: 4, read: "narrow" },
    { name: "local_port", offset: 60, size: 4, read: "narrow" },
    { name: "ingress_ifindex", offset: 64, size: 4, read: "narrow" },
  ],
};

// biome-ignore format: one row a field
export const cgroupSockoptContext: ContextLayout = {
  struct: "bpf_sockopt",
  size: 40,
  fields: [
    { name: "sk", offset: 0, size: 8, read: "exact", pointer: "socket" },
    { name: "optval", offset: 8, size: 8, read: "exact", pointer: "packet" },
    { name: "optval_end", offset: 16, size: 8, read: "exact", pointer: "packet_end" },
    { name: "level", offset: 24, size: 4, read: "exact", write: "exact", writeAttachTypes: ["cgroup_setsockopt"] },
    { name: "optname", offset: 28, size: 4, read: "exact", write: "exact", writeAttachTypes: ["cgroup_setsockopt"] },
    { name: "optlen", offset: 32, size: 4, read: "exact", write: "exact" },
    { name: "retval", offset: 36, size: 4, read: "exact", write: "exact", attachTypes: ["cgroup_getsockopt"] },
  ],
};
