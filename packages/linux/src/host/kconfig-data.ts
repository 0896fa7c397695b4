import { existsSync } from "node:fs";
import { NotSupportedError } from "@tsbpf/core/base";
import type { Btf } from "@tsbpf/core/btf";
import { type KconfigSpec, kconfigData } from "@tsbpf/core/spec";
import { kernelVersion, readKernelConfig } from "./kernel-config.js";
import { kernelSymbol } from "./kernel-symbols.js";

/** Values that are no configuration options, under the names that libbpf gave them. */
const computed: Readonly<Record<string, () => bigint>> = {
  LINUX_KERNEL_VERSION: () => BigInt(kernelVersion()),
  // Cookies came with perf_event links in 5.15.
  LINUX_HAS_BPF_COOKIE: () => (kernelVersion() >= (5 << 16) + (15 << 8) ? 1n : 0n),
  LINUX_HAS_SYSCALL_WRAPPER: () => {
    const prefix = process.arch === "arm64" ? "__arm64_" : "__x64_";
    return existsSync("/proc/kallsyms") && kernelSymbol(`${prefix}sys_bpf`) !== undefined ? 1n : 0n;
  },
};

/**
 * The value of the map `.kconfig`: each extern's option as the running kernel has it. Weak externs that it lacks are 0.
 * Reads files, and calls no bpf(2).
 *
 * @throws BpfError `"KCONFIG"` for a missing option that is not weak, or a value that the variable cannot hold.
 * @throws NotSupportedError when the kernel does not tell its configuration.
 */
export function runningKconfig(externs: readonly KconfigSpec[], size: number, btf: Btf | undefined): Uint8Array {
  let config: ReadonlyMap<string, string> | undefined;
  const weak = new Set(externs.filter((extern) => extern.weak).map(({ name }) => name));
  return kconfigData(externs, size, btf, (name) => {
    const own = computed[name];
    if (own !== undefined) return own();
    config ??= readKernelConfig();
    if (config === undefined && !weak.has(name)) {
      throw new NotSupportedError(
        "kernel configuration",
        `${name} is asked for, and no file has this kernel's configuration (CONFIG_IKCONFIG_PROC)`,
      );
    }
    return config?.get(name);
  });
}
