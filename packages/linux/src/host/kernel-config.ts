import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";
import { parseKernelConfig } from "@tsbpf/core/abi";

/** Where distributions put the running kernel's configuration. */
function configFiles(): string[] {
  const version = release();
  return [
    "/proc/config.gz",
    `/boot/config-${version}`,
    `/lib/modules/${version}/config`,
    `/usr/lib/modules/${version}/config`,
  ];
}

/**
 * The configuration that the running kernel was built with: `CONFIG_HZ` to `"250"`, `"y"`, `"m"` or a quoted string.
 * Undefined where the kernel does not tell.
 */
export function readKernelConfig(): ReadonlyMap<string, string> | undefined {
  for (const path of configFiles()) {
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    return parseKernelConfig((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString());
  }
  return undefined;
}

/** `"6.18.44-fc"` as KERNEL_VERSION() packs it; the last number is cut to 255. */
export function packKernelVersion(text: string): number {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)?.slice(1) ?? []).map((n) =>
    Number(n ?? 0),
  );
  return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

/** Version code of the running kernel. */
export function kernelVersion(): number {
  return packKernelVersion(release());
}
