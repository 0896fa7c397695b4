import type { AttachType } from "./attach-types.js";
import {
  BPF_F_CLONE,
  BPF_F_INNER_MAP,
  BPF_F_LINK,
  BPF_F_MMAPABLE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_RDONLY_PROG,
  BPF_F_SEGV_ON_FAULT,
  BPF_F_VTYPE_BTF_OBJ_FD,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
} from "./map-flags.js";
import type { ProgramType } from "./program-types.js";

/** Kernels that verdicts can be asked for, the oldest first. */
export const kernelVersions = [
  ...(["4.19", "4.20"] as const),
  ...(["5.0", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "5.8", "5.9"] as const),
  ...(["5.10", "5.11", "5.12", "5.13", "5.14", "5.15", "5.16", "5.17", "5.18", "5.19"] as const),
  ...(["6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9"] as const),
  ...(["6.10", "6.11", "6.12", "6.13", "6.14", "6.15", "6.16", "6.17", "6.18"] as const),
] as const;

/** A kernel that limits are known of: {@link kernelVersions}. */
export type KernelVersion = (typeof kernelVersions)[number];

/** Is it a {@link KernelVersion}? */
export function isKernelVersion(text: string): text is KernelVersion {
  return (kernelVersions as readonly string[]).includes(text);
}

/** Does the kernel have what came with `since` (e.g. `"5.13"`)? */
export function hasSince(kernel: KernelVersion, since: string): boolean {
  const [major = 0, minor = 0] = kernel.split(".").map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = since.split(".").map(Number);
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

/** Bounds and rules that were others in older kernels; for loaders with all capabilities, on x86-64 with the JIT. */
export interface KernelLimits {
  /** Slots of a program: 4096 before 5.2. */
  readonly slots: number;
  /** Instructions walked over: 131,072 before 5.2. */
  readonly processed: number;
  /** Loops are followed (since 5.3); before, any edge back to an instruction on the way was refused. */
  readonly loops: boolean;
  /** Global functions are verified by themselves (since 5.6); before, every function was walked where it is called. */
  readonly globalFunctions: boolean;
  /** A program may have functions of its own and tail call (since 5.10). */
  readonly tailCallsWithFunctions: boolean;
  /** Functions of tracing programs may get stacks of their own (since 6.13). */
  readonly privateStacks: boolean;
  /** Spills around calls that the kernel inlines take no stack (since 6.12). */
  readonly fastcallCredit: boolean;
}

/** What that kernel has, and its limits. */
export function limitsOfKernel(kernel: KernelVersion): KernelLimits {
  const large = hasSince(kernel, "5.2");
  return {
    slots: large ? 1_000_000 : 4096,
    processed: large ? 1_000_000 : 131_072,
    loops: hasSince(kernel, "5.3"),
    globalFunctions: hasSince(kernel, "5.6"),
    tailCallsWithFunctions: hasSince(kernel, "5.10"),
    privateStacks: hasSince(kernel, "6.13"),
    fastcallCredit: hasSince(kernel, "6.12"),
  };
}

/** A flag of programs or maps, by its bit. */
export interface FlagSince {
  readonly flag: number;
  readonly name: string;
  readonly since: string;
}

/** BPF_F_* of programs that came after 4.19. */
export const programFlagsSince: readonly FlagSince[] = [
  { flag: 1 << 1, name: "BPF_F_ANY_ALIGNMENT", since: "5.0" },
  { flag: 1 << 2, name: "BPF_F_TEST_RND_HI32", since: "5.3" },
  { flag: 1 << 3, name: "BPF_F_TEST_STATE_FREQ", since: "5.4" },
  { flag: 1 << 4, name: "BPF_F_SLEEPABLE", since: "5.10" },
  { flag: 1 << 5, name: "BPF_F_XDP_HAS_FRAGS", since: "5.18" },
  { flag: 1 << 6, name: "BPF_F_XDP_DEV_BOUND_ONLY", since: "6.3" },
  { flag: 1 << 7, name: "BPF_F_TEST_REG_INVARIANTS", since: "6.8" },
];

/** BPF_F_* of maps that came after 4.19. */
export const mapFlagsSince: readonly FlagSince[] = [
  { flag: BPF_F_ZERO_SEED, name: "BPF_F_ZERO_SEED", since: "5.0" },
  { flag: BPF_F_RDONLY_PROG, name: "BPF_F_RDONLY_PROG", since: "5.2" },
  { flag: BPF_F_WRONLY_PROG, name: "BPF_F_WRONLY_PROG", since: "5.2" },
  { flag: BPF_F_CLONE, name: "BPF_F_CLONE", since: "5.4" },
  { flag: BPF_F_MMAPABLE, name: "BPF_F_MMAPABLE", since: "5.5" },
  { flag: BPF_F_PRESERVE_ELEMS, name: "BPF_F_PRESERVE_ELEMS", since: "5.10" },
  { flag: BPF_F_INNER_MAP, name: "BPF_F_INNER_MAP", since: "5.10" },
  { flag: BPF_F_LINK, name: "BPF_F_LINK", since: "6.4" },
  { flag: BPF_F_VTYPE_BTF_OBJ_FD, name: "BPF_F_VTYPE_BTF_OBJ_FD", since: "6.9" },
  { flag: BPF_F_SEGV_ON_FAULT, name: "BPF_F_SEGV_ON_FAULT", since: "6.9" },
];

/** Program types whose expected attach type is looked at when a program is loaded; for others an unknown one does no harm. */
export const attachTypeChecked: ReadonlySet<ProgramType> = new Set([
  ...(["cgroup_sock", "cgroup_sock_addr", "cgroup_sockopt", "tracing", "lsm", "sk_lookup"] as const),
]);

/** Attach types of those program types that came after 4.19. */
export const attachTypesSince: Readonly<Partial<Record<AttachType, string>>> = {
  cgroup_udp4_recvmsg: "5.2",
  cgroup_udp6_recvmsg: "5.2",
  cgroup_getsockopt: "5.3",
  cgroup_setsockopt: "5.3",
  trace_raw_tp: "5.5",
  trace_fentry: "5.5",
  trace_fexit: "5.5",
  modify_return: "5.7",
  lsm_mac: "5.7",
  trace_iter: "5.8",
  cgroup_inet4_getpeername: "5.8",
  cgroup_inet6_getpeername: "5.8",
  cgroup_inet4_getsockname: "5.8",
  cgroup_inet6_getsockname: "5.8",
  cgroup_inet_sock_release: "5.9",
  sk_lookup: "5.9",
  lsm_cgroup: "6.0",
  cgroup_unix_connect: "6.7",
  cgroup_unix_sendmsg: "6.7",
  cgroup_unix_recvmsg: "6.7",
  cgroup_unix_getpeername: "6.7",
  cgroup_unix_getsockname: "6.7",
};
