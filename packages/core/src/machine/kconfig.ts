import { BpfError } from "../base/index.js";
import type { KconfigSpec } from "../spec/index.js";

/** What the Machine answers for names of libbpf's and of the kernel's configuration: those of 6.18, HZ as its clock has. */
const known: Readonly<Record<string, bigint>> = {
  LINUX_KERNEL_VERSION: BigInt((6 << 16) | (18 << 8)),
  LINUX_HAS_BPF_COOKIE: 1n,
  LINUX_HAS_SYSCALL_WRAPPER: 1n,
  CONFIG_HZ: 250n,
};

/**
 * The value of the map `.kconfig`. Options that nobody gave are 0 where they are weak.
 *
 * @throws BpfError `"KCONFIG"` for an option that isn't known and not weak, or whose value doesn't fit.
 */
export function kconfigValue(
  externs: readonly KconfigSpec[],
  size: number,
  given: Readonly<Record<string, number | bigint | boolean>>,
): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const { name, offset, size: width, weak } of externs) {
    const value = given[name] ?? known[name];
    if (value === undefined) {
      if (weak) continue;
      throw new BpfError("KCONFIG", `the Machine has no ${name}; give its value in the load's options`, { name });
    }
    const integer = BigInt(value);
    const bits = BigInt(width) * 8n;
    if (integer >= 1n << bits || integer < -(1n << bits) / 2n) {
      throw new BpfError("KCONFIG", `${name} is ${integer}, which ${width} bytes do not hold`, { name });
    }
    for (let at = 0; at < width; at++) bytes[offset + at] = Number((integer >> BigInt(at * 8)) & 0xffn);
  }
  return bytes;
}
