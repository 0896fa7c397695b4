import { type KernelConfig, type KernelVersion, versionExterns } from "@tsbpf/core/abi";
import { kconfigData, type ObjectSpec } from "@tsbpf/core/spec";
import type { KernelTypes } from "./kernel-types.js";
import type { VerifyOptions } from "./result.js";

const LATEST: KernelVersion = "6.18";

/**
 * The object with its `extern ... __kconfig` variables filled in, which the kernel takes for constants: by the configuration
 * of `--config`, else the running kernel's where a verdict is given with its types, else by what follows from a version. Where an option's
 * value isn't known, none is filled in: what is loaded from there can then be anything.
 */
export async function withKconfig(
  object: ObjectSpec,
  { source }: KernelTypes,
  { config: file, kernel }: VerifyOptions,
  config: KernelConfig | undefined,
): Promise<ObjectSpec> {
  const map = object.maps.get(".kconfig");
  if (map === undefined) return object;
  const value =
    source === "running" && kernel === undefined && file === undefined
      ? await valueOfRunning(object, map.valueSize)
      : valueOfVersion(object, map.valueSize, kernel ?? LATEST, config);
  if (value === undefined) return object;
  const filled = { ...map, contents: [{ key: new Uint8Array(map.keySize), value }] };
  return { ...object, maps: new Map([...object.maps, [".kconfig", filled]]) };
}

async function valueOfRunning({ kconfig, btf }: ObjectSpec, size: number): Promise<Uint8Array | undefined> {
  try {
    const { runningKconfig } = await import("@tsbpf/linux");
    return runningKconfig(kconfig, size, btf);
  } catch {
    return undefined;
  }
}

function valueOfVersion(
  { kconfig, btf }: ObjectSpec,
  size: number,
  kernel: KernelVersion,
  config: KernelConfig | undefined,
): Uint8Array | undefined {
  const known = versionExterns(kernel);
  if (config === undefined && !kconfig.every(({ name }) => known.has(name))) return undefined;
  try {
    return kconfigData(kconfig, size, btf, (name) => known.get(name) ?? config?.get(name));
  } catch {
    return undefined;
  }
}
