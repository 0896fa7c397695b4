import { readFileSync } from "node:fs";
import { release } from "node:os";

/** Capabilities that BPF has to do with, by their bit. @see capabilities(7) */
export const capabilities = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

/** A capability that BPF asks for. */
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

/**
 * The limit on locked memory (bytes, as text) where this kernel counts maps and programs against it: before 5.11 and not
 * unlimited.
 */
export function lockedMemoryLimit(): string | undefined {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major > 5 || (major === 5 && minor >= 11)) return undefined;
  const soft = /^Max locked memory\s+(\S+)/m.exec(readSetting("/proc/self/limits") ?? "")?.[1];
  return soft === "unlimited" ? undefined : soft;
}

const needs: readonly (readonly [RegExp, readonly Capability[]])[] = [
  [/^BPF_.*(GET_FD_BY_ID|GET_NEXT_ID|ENABLE_STATS)|^BPF_TASK_FD_QUERY/, ["CAP_SYS_ADMIN"]],
  [/^BPF_(MAP_CREATE|BTF_LOAD|PROG_LOAD|OBJ_|PROG_BIND_MAP|TOKEN)/, ["CAP_BPF"]],
  [/^BPF_(PROG_ATTACH|PROG_DETACH|PROG_QUERY|PROG_TEST_RUN|LINK_)/, ["CAP_BPF", "CAP_NET_ADMIN"]],
  [/^BPF_RAW_TRACEPOINT_OPEN/, ["CAP_BPF", "CAP_PERFMON"]],
  [/^perf_event_open/, ["CAP_PERFMON"]],
  [/^RTM_/, ["CAP_NET_ADMIN"]],
  [/^(unshare|setns|mount)/, ["CAP_SYS_ADMIN"]],
];

/**
 * Why the kernel may have said EPERM to a call, as a phrase: the capability that is missing, or what else is in force.
 *
 * @param what The call, as the error names it.
 * @param also Capabilities that this call needs beside those that all calls of its kind do.
 */
export function permissionHint(what: string, also: readonly Capability[] = []): string {
  const wanted = new Set([...(needs.find(([pattern]) => pattern.test(what))?.[1] ?? []), ...also]);
  const missing = [...wanted].filter((capability) => !hasCapability(capability));
  if (missing.length > 0) return `not permitted: needs ${missing.join(" and ")}, which this process does not have`;
  const lockdown = lockdownMode();
  if (lockdown !== undefined && lockdown !== "none") return `not permitted: the kernel is locked down (${lockdown})`;
  if (/^BPF_MAP_(UPDATE|DELETE|LOOKUP)/.test(what)) return "not permitted: the map is frozen, or its flags forbid it";
  const limit = /^BPF_(MAP_CREATE|PROG_LOAD)/.test(what) ? lockedMemoryLimit() : undefined;
  if (limit !== undefined) return `not permitted: RLIMIT_MEMLOCK is ${limit} bytes; raise it (ulimit -l unlimited)`;
  if (isFiltered()) return "not permitted: a seccomp filter (a container's?) may forbid it";
  return "not permitted, although the capabilities are there: the kernel's configuration or a security module forbids it";
}
