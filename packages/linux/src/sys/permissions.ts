import { readFileSync } from "node:fs";

/** Capabilities that BPF has to do with, by their bit. @see capabilities(7) */
export const capabilities = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof capabilities;

/** The contents of a small file of /proc or /sys, trimmed, or undefined where it cannot be read. */
export function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Does this thread have a capability? CAP_SYS_ADMIN stands for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN in bpf(2). */
export function hasCapability(capability: Capability): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readSetting("/proc/thread-self/status") ?? "")?.[1] ?? "0";
  const has = (name: Capability) => ((BigInt(`0x${effective}`) >> BigInt(capabilities[name])) & 1n) === 1n;
  const implied = capability === "CAP_BPF" || capability === "CAP_PERFMON" || capability === "CAP_NET_ADMIN";
  return has(capability) || (implied && has("CAP_SYS_ADMIN"));
}

/** The lockdown mode that is in force: `"none"`, `"integrity"`, `"confidentiality"`; undefined where it cannot be read. */
export function lockdownMode(): string | undefined {
  return /\[(\w+)\]/.exec(readSetting("/sys/kernel/security/lockdown") ?? "")?.[1];
}

/** True when a seccomp filter watches this process's system calls, as container runtimes have it. */
export function isFiltered(): boolean {
  return /^Seccomp:\s*2/m.test(readSetting("/proc/self/status") ?? "");
}

const needs: readonly (readonly [RegExp, readonly Capability[]])[] = [
  [/^BPF_(MAP_CREATE|BTF_LOAD|PROG_LOAD|OBJ_|PROG_BIND_MAP)/, ["CAP_BPF"]],
  [/^BPF_(PROG_ATTACH|PROG_DETACH|PROG_QUERY|PROG_TEST_RUN|LINK_|RTM_)/, ["CAP_BPF", "CAP_NET_ADMIN"]],
  [/^BPF_RAW_TRACEPOINT_OPEN/, ["CAP_BPF", "CAP_PERFMON"]],
  [/^BPF_.*(GET_FD_BY_ID|GET_NEXT_ID|ENABLE_STATS)/, ["CAP_SYS_ADMIN"]],
  [/^perf_event_open/, ["CAP_PERFMON"]],
  [/^(RTM_|setsockopt|unshare|setns)/, ["CAP_NET_ADMIN"]],
];

/**
 * Why the kernel may have said EPERM to a call, as a phrase: the capability that is missing, or what else is in force.
 *
 * @param what The call, as the error names it.
 */
export function permissionHint(what: string): string {
  const wanted = needs.find(([pattern]) => pattern.test(what))?.[1] ?? [];
  const missing = wanted.filter((capability) => !hasCapability(capability));
  if (missing.length > 0) return `not permitted: needs ${missing.join(" and ")}, which this process does not have`;
  const lockdown = lockdownMode();
  if (lockdown !== undefined && lockdown !== "none") return `not permitted: the kernel is locked down (${lockdown})`;
  if (isFiltered()) return "not permitted: a seccomp filter (a container's?) may forbid it";
  if (/frozen|UPDATE|DELETE/.test(what)) return "not permitted: the map is frozen, or read-only";
  return "not permitted, although the capabilities are there: the kernel's configuration or a security module forbids it";
}
