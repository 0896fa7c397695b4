import type { AttachType } from "./attach-types.js";
import {
  cgroupDeviceContext,
  cgroupSysctlContext,
  kprobeContext,
  lircContext,
  netfilterContext,
  perfEventContext,
  rawTracepointContext,
  rawTracepointWritableContext,
  tracepointContext,
  xdpContext,
} from "./contexts.js";
import { baseHelpers, helperGrants } from "./helper-grants.js";
import type { ProgramRules, ReturnRule } from "./program-rules.js";
import type { ProgramType } from "./program-types.js";
import {
  cgroupSkbContext,
  flowDissectorContext,
  lwtContext,
  schedClsContext,
  skSkbContext,
  socketFilterContext,
} from "./skb-contexts.js";
import {
  cgroupSockContext,
  cgroupSockoptContext,
  skLookupContext,
  skMsgContext,
  skReuseportContext,
  sockAddrContext,
  sockOpsContext,
} from "./socket-contexts.js";

type Rules = Omit<ProgramRules, "type" | "helpers">;

const yesOrNo: readonly ReturnRule[] = [{ min: 0, max: 1 }];

/** Hooks that report an address: they can't refuse. */
const addressReports: readonly AttachType[] = [
  "cgroup_udp4_recvmsg",
  "cgroup_udp6_recvmsg",
  "cgroup_unix_recvmsg",
  "cgroup_inet4_getpeername",
  "cgroup_inet6_getpeername",
  "cgroup_unix_getpeername",
  "cgroup_inet4_getsockname",
  "cgroup_inet6_getsockname",
  "cgroup_unix_getsockname",
];

const tc: Rules = { context: schedClsContext, packet: "read_write", loadsSkb: true, returns: [] };
const lwt: Rules = { context: lwtContext, packet: "read", returns: [] };
const untyped = { packet: "none", tracing: true, privateStack: true, returns: [] } as const;

const rules: Readonly<Record<ProgramType, Rules>> = {
  socket_filter: { context: socketFilterContext, packet: "none", loadsSkb: true, returns: [] },
  kprobe: {
    ...untyped,
    context: kprobeContext,
    sleepable: true,
    returns: [{ attachTypes: ["trace_kprobe_session", "trace_uprobe_session"], min: 0, max: 1 }],
  },
  sched_cls: tc,
  sched_act: tc,
  tracepoint: { ...untyped, context: tracepointContext },
  xdp: { context: xdpContext, packet: "read_write", returns: [] },
  perf_event: { ...untyped, context: perfEventContext },
  cgroup_skb: {
    context: cgroupSkbContext,
    packet: "read",
    loadsSkb: true,
    returns: [{ attachTypes: ["cgroup_inet_egress"], min: 0, max: 3, enforceAttach: [2, 3] }, ...yesOrNo],
  },
  cgroup_sock: { context: cgroupSockContext, packet: "none", returns: yesOrNo },
  lwt_in: lwt,
  lwt_out: lwt,
  lwt_xmit: { ...lwt, packet: "read_write" },
  sock_ops: { context: sockOpsContext, packet: "none", returns: yesOrNo },
  sk_skb: { context: skSkbContext, packet: "read_write", returns: [] },
  cgroup_device: { context: cgroupDeviceContext, packet: "none", returns: yesOrNo },
  sk_msg: { context: skMsgContext, packet: "read_write", returns: [] },
  raw_tracepoint: { ...untyped, context: rawTracepointContext },
  cgroup_sock_addr: {
    context: sockAddrContext,
    packet: "none",
    returns: [
      { attachTypes: addressReports, min: 1, max: 1 },
      { attachTypes: ["cgroup_inet4_bind", "cgroup_inet6_bind"], min: 0, max: 3 },
      ...yesOrNo,
    ],
  },
  lwt_seg6local: lwt,
  lirc_mode2: { context: lircContext, packet: "none", returns: [] },
  sk_reuseport: { context: skReuseportContext, packet: "read", returns: [] },
  flow_dissector: { context: flowDissectorContext, packet: "read", returns: [] },
  cgroup_sysctl: { context: cgroupSysctlContext, packet: "none", returns: yesOrNo },
  raw_tracepoint_writable: { ...untyped, privateStack: false, context: rawTracepointWritableContext },
  cgroup_sockopt: { context: cgroupSockoptContext, packet: "read_write", returns: yesOrNo },
  tracing: {
    context: "btf",
    packet: "none",
    sleepable: true,
    privateStack: true,
    returns: [
      { attachTypes: ["trace_fentry", "trace_fexit"], min: 0, max: 0 },
      { attachTypes: ["trace_iter"], min: 0, max: 1 },
    ],
  },
  struct_ops: { context: "btf", packet: "none", sleepable: true, returns: [] },
  ext: { context: "target", packet: "none", returns: [] },
  // Which values an LSM hook takes is in its BTF signature and the kernel's list of boolean hooks.
  lsm: { context: "btf", packet: "none", sleepable: true, returns: [] },
  sk_lookup: { context: skLookupContext, packet: "none", returns: yesOrNo },
  syscall: { context: "scratch", packet: "none", sleepable: true, returns: [] },
  netfilter: { context: netfilterContext, packet: "none", returns: yesOrNo },
};

/** What the verifier needs to know of a program type. */
export function rulesOfProgramType(type: ProgramType): ProgramRules {
  return { type, ...rules[type], helpers: [...baseHelpers, ...helperGrants[type]] };
}

/** The range that a program's result has to lie in, or undefined for any. */
export function returnRule(type: ProgramType, attachType: AttachType | undefined): ReturnRule | undefined {
  return rules[type].returns.find(
    (rule) => rule.attachTypes === undefined || (attachType !== undefined && rule.attachTypes.includes(attachType)),
  );
}
