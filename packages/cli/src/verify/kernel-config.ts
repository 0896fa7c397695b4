import { gunzipSync } from "node:zlib";
import { type KernelConfig, parseKernelConfig } from "@tsbpf/core/abi";
import { readInput } from "../object-file.js";
import type { KernelTypes } from "./kernel-types.js";
import type { VerifyOptions } from "./result.js";

let running: Promise<KernelConfig | undefined> | undefined;
const files = new Map<string, Promise<KernelConfig>>();

/**
 * The configuration that verdicts are for: that of `--config`; else the running kernel's where its types are taken, too,
 * and no other kernel is asked for. Undefined for a kernel with everything.
 */
export async function kernelConfigOf(
  { config, kernel }: VerifyOptions,
  { source }: KernelTypes,
): Promise<KernelConfig | undefined> {
  if (config === undefined) {
    if (source !== "running" || kernel !== undefined) return undefined;
    running ??= readRunning();
    return running;
  }
  let read = files.get(config);
  if (read === undefined) {
    read = readFile(config);
    files.set(config, read);
  }
  return read;
}

async function readRunning(): Promise<KernelConfig | undefined> {
  try {
    return (await import("@tsbpf/linux")).readKernelConfig();
  } catch {
    return undefined;
  }
}

async function readFile(path: string): Promise<KernelConfig> {
  const bytes = await readInput(path);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseKernelConfig(new TextDecoder().decode(packed ? gunzipSync(bytes) : bytes));
}
