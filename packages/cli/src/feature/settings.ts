import type { Setting } from "./prober.js";

const ON_OFF = ["disabled", "enabled"];

/** Settings of BPF under /proc/sys, by name: the path, and what each value means. */
const sysctls: readonly (readonly [name: string, path: string, subject: string, meanings: readonly string[]])[] = [
  [
    "unprivileged_bpf_disabled",
    "/proc/sys/kernel/unprivileged_bpf_disabled",
    "bpf() syscall",
    [
      "open to unprivileged users",
      "restricted to privileged users (until the next boot)",
      "restricted to privileged users (admin can change)",
    ],
  ],
  [
    "bpf_jit_enable",
    "/proc/sys/net/core/bpf_jit_enable",
    "JIT compiler is",
    [...ON_OFF, "enabled, with traces in the log"],
  ],
  [
    "bpf_jit_harden",
    "/proc/sys/net/core/bpf_jit_harden",
    "JIT compiler hardening is",
    ["disabled", "enabled for unprivileged users", "enabled for all users"],
  ],
  [
    "bpf_jit_kallsyms",
    "/proc/sys/net/core/bpf_jit_kallsyms",
    "JIT compiler kallsyms exports are",
    ["disabled", "enabled for root"],
  ],
  [
    "bpf_jit_limit",
    "/proc/sys/net/core/bpf_jit_limit",
    "Global memory limit for JIT compiler for unprivileged users is",
    [],
  ],
];

/** Options of the kernel's configuration that BPF has to do with, as bpftool names them. */
const options = `
  BPF BPF_SYSCALL HAVE_EBPF_JIT BPF_JIT BPF_JIT_ALWAYS_ON DEBUG_INFO_BTF DEBUG_INFO_BTF_MODULES CGROUPS CGROUP_BPF
  CGROUP_NET_CLASSID SOCK_CGROUP_DATA BPF_EVENTS KPROBE_EVENTS UPROBE_EVENTS TRACING FTRACE_SYSCALLS
  FUNCTION_ERROR_INJECTION BPF_KPROBE_OVERRIDE NET XDP_SOCKETS LWTUNNEL_BPF NET_ACT_BPF NET_CLS_BPF NET_CLS_ACT
  NET_SCH_INGRESS XFRM IP_ROUTE_CLASSID IPV6_SEG6_BPF BPF_LIRC_MODE2 BPF_STREAM_PARSER NETFILTER_XT_MATCH_BPF BPFILTER
  BPFILTER_UMH TEST_BPF HZ
`
  .trim()
  .split(/\s+/);

/** What this machine's kernel is set to. @param read A file's text, undefined where it can't be read. */
export function systemSettings(
  read: (path: string) => string | undefined,
  config: ReadonlyMap<string, string> | undefined,
): Setting[] {
  const set = sysctls.map(([name, path, subject, meanings]): Setting => {
    const value = Number(read(path) ?? Number.NaN);
    if (Number.isNaN(value))
      return { name, value: -1, text: `${subject} unknown: ${path} can't be read`, macro: false };
    const meaning = meanings[value] ?? (meanings.length === 0 ? `${value} bytes` : `set to ${value}`);
    return { name, value, text: `${subject} ${meaning}`, macro: false };
  });
  if (config === undefined) return set;
  for (const option of options) {
    const name = `CONFIG_${option}`;
    const value = config.get(name)?.replace(/^"(.*)"$/, "$1") ?? null;
    set.push({
      name,
      value,
      text: `${name} is ${value === null ? "not set" : `set to ${value}`}`,
      macro: option === "HZ",
    });
  }
  return set;
}
