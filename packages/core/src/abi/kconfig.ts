import { hasSince, type KernelVersion } from "./kernel-versions.js";

/**
 * What `extern ... __kconfig` variables under libbpf's own names (`LINUX_*`) are in a kernel on x86-64. Of the
 * configuration's options nothing follows from a version.
 */
export function versionExterns(kernel: KernelVersion): ReadonlyMap<string, bigint> {
  const [major = 0, minor = 0] = kernel.split(".").map(Number);
  return new Map([
    ["LINUX_KERNEL_VERSION", BigInt((major << 16) | (minor << 8))],
    // Cookies came with perf_event links.
    ["LINUX_HAS_BPF_COOKIE", hasSince(kernel, "5.15") ? 1n : 0n],
    ["LINUX_HAS_SYSCALL_WRAPPER", 1n],
  ]);
}
