import type { AttachType } from "@tsbpf/core/abi";
import { type ObjectGrammar, PROG } from "../grammar/object-grammar.js";

/** Hooks of a cgroup, in the order in which bpftool asks for them, with its older names. */
export const cgroupHookNames: readonly (readonly [type: AttachType, old: string])[] = [
  ["cgroup_inet_ingress", "ingress"],
  ["cgroup_inet_egress", "egress"],
  ["cgroup_inet_sock_create", "sock_create"],
  ["cgroup_inet_sock_release", "sock_release"],
  ["cgroup_sock_ops", "sock_ops"],
  ["cgroup_device", "device"],
  ["cgroup_inet4_bind", "bind4"],
  ["cgroup_inet6_bind", "bind6"],
  ["cgroup_inet4_post_bind", "post_bind4"],
  ["cgroup_inet6_post_bind", "post_bind6"],
  ["cgroup_inet4_connect", "connect4"],
  ["cgroup_inet6_connect", "connect6"],
  ["cgroup_unix_connect", "connect_unix"],
  ["cgroup_inet4_getpeername", "getpeername4"],
  ["cgroup_inet6_getpeername", "getpeername6"],
  ["cgroup_unix_getpeername", "getpeername_unix"],
  ["cgroup_inet4_getsockname", "getsockname4"],
  ["cgroup_inet6_getsockname", "getsockname6"],
  ["cgroup_unix_getsockname", "getsockname_unix"],
  ["cgroup_udp4_sendmsg", "sendmsg4"],
  ["cgroup_udp6_sendmsg", "sendmsg6"],
  ["cgroup_unix_sendmsg", "sendmsg_unix"],
  ["cgroup_udp4_recvmsg", "recvmsg4"],
  ["cgroup_udp6_recvmsg", "recvmsg6"],
  ["cgroup_unix_recvmsg", "recvmsg_unix"],
  ["cgroup_sysctl", "sysctl"],
  ["cgroup_getsockopt", "getsockopt"],
  ["cgroup_setsockopt", "setsockopt"],
  ["lsm_cgroup", "lsm_cgroup"],
];

export const cgroupGrammar: ObjectGrammar = {
  name: "cgroup",
  summary: "Programs on control groups (v2).",
  commands: [
    { name: "show", alias: "list", form: "CGROUP [effective]", does: "show what is attached to a cgroup" },
    { name: "tree", form: "[CGROUP_ROOT] [effective]", does: "show it for all cgroups below, too" },
    { name: "attach", form: "CGROUP ATTACH_TYPE PROG [multi | override]", does: "attach a program, to stay" },
    { name: "detach", form: "CGROUP ATTACH_TYPE PROG", does: "the reverse of attach" },
  ],
  terms: { PROG, ATTACH_TYPE: `{ ${cgroupHookNames.map(([type]) => type).join(" | ")} }` },
  examples: ["tsbpf cgroup tree", "tsbpf cgroup attach /sys/fs/cgroup/my.slice cgroup_inet_egress name count multi"],
};
