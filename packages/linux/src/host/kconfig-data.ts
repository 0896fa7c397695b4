import { existsSync } from "node:fs";
import { BpfError, type Btf, type KconfigSpec, NotSupportedError } from "@tsbpf/core";
import { resolve } from "@tsbpf/core/btf";
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
 *
 * @throws BpfError `"KCONFIG"` for a missing option that is not weak, or a value that the variable cannot hold.
 * @throws NotSupportedError when the kernel does not tell its configuration.
 */
export function kconfigValue(externs: readonly KconfigSpec[], size: number, btf: Btf | undefined): Uint8Array {
  const bytes = new Uint8Array(size);
  let config: ReadonlyMap<string, string> | undefined;
  for (const extern of externs) {
    const own = computed[extern.name];
    if (own !== undefined) {
      writeInteger(bytes, extern, own());
      continue;
    }
    config ??= readKernelConfig();
    if (config === undefined) {
      if (extern.weak) continue;
      throw new NotSupportedError(
        "kernel configuration",
        `${extern.name} is asked for, and no file has this kernel's configuration (CONFIG_IKCONFIG_PROC)`,
      );
    }
    const text = config.get(extern.name);
    if (text !== undefined) writeOption(bytes, extern, text, btf);
    else if (!extern.weak) fail(extern, "the kernel's configuration does not have it");
  }
  return bytes;
}

function writeOption(bytes: Uint8Array, extern: KconfigSpec, text: string, btf: Btf | undefined): void {
  if (text.startsWith('"')) {
    const content = new TextEncoder().encode(text.slice(1, -1));
    if (kindOf(extern, btf) === "int") fail(extern, `its value is text: ${text}`);
    // The last byte stays 0: longer text is cut, as in libbpf.
    bytes.set(content.subarray(0, extern.size - 1), extern.offset);
    return;
  }
  if (text === "y" || text === "m" || text === "n") {
    writeTristate(bytes, extern, text, btf);
    return;
  }
  if (!/^-?(0x[0-9a-fA-F]+|\d+)$/.test(text)) fail(extern, `its value is not understood: ${text}`);
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  writeInteger(bytes, extern, value);
}

/** `y`, `m` and `n`: a char has the letter, an `enum libbpf_tristate` 0 no, 1 yes, 2 module, anything else 0 or 1. */
function writeTristate(bytes: Uint8Array, extern: KconfigSpec, letter: "y" | "m" | "n", btf: Btf | undefined): void {
  const type = btf?.type(resolve(btf, extern.typeId));
  if (type?.kind === "int" && type.encoding !== "bool" && extern.size === 1) {
    bytes[extern.offset] = letter.charCodeAt(0);
  } else if (type?.kind === "enum") {
    writeInteger(bytes, extern, { n: 0n, y: 1n, m: 2n }[letter]);
  } else {
    if (letter === "m") fail(extern, "it is a module (m), which a bool cannot say");
    writeInteger(bytes, extern, letter === "y" ? 1n : 0n);
  }
}

function kindOf(extern: KconfigSpec, btf: Btf | undefined): string {
  return btf === undefined ? "int" : btf.kind(resolve(btf, extern.typeId));
}

function writeInteger(bytes: Uint8Array, extern: KconfigSpec, value: bigint): void {
  const bits = extern.size * 8;
  if (value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1)))
    fail(extern, `${value} does not fit ${extern.size} bytes`);
  let rest = BigInt.asUintN(bits, value);
  for (let i = 0; i < extern.size; i++, rest >>= 8n) bytes[extern.offset + i] = Number(rest & 0xffn);
}

function fail(extern: KconfigSpec, why: string): never {
  throw new BpfError("KCONFIG", `extern ${extern.name} __kconfig: ${why}`, { name: extern.name });
}
