import { BpfError } from "@tsbpf/core/base";
import type { BpfMap, Program } from "@tsbpf/core/host";
import { Executable, encodeUsdtSpec, parseUsdtArguments, type UsdtProbe, usdtProbes } from "../elf/index.js";
import { requireType } from "./attach-type.js";
import { Attachment, type KernelLink } from "./link.js";
import { attachUprobe } from "./uprobe.js";

/** Elements of each map that an attachment uses; the map is an array, in which nothing shows that. */
const takenElements = new WeakMap<BpfMap, Set<number>>();

/** Which places of a USDT probe. */
export interface UsdtOptions {
  /** Only this process; default all. */
  readonly pid?: number | undefined;
  /** What bpf_usdt_cookie() gives the program. */
  readonly cookie?: bigint | undefined;
  /**
   * The map `__bpf_usdt_specs` of a program that reads arguments by libbpf's usdt.bpf.h. Without it the program only
   * learns that the probe was passed.
   */
  readonly specs?: BpfMap | undefined;
}

/**
 * Where a USDT probe stands in a file.
 *
 * @param name `"provider:probe"`.
 * @throws BpfError `"NO_ATTACH_TARGET"` when it doesn't.
 */
export function findUsdt(path: string, name: string): UsdtProbe[] {
  const probes = usdtProbes(Executable.read(path));
  const found = probes.filter((probe) => `${probe.provider}:${probe.name}` === name);
  if (found.length > 0) return found;
  const known = [...new Set(probes.map((probe) => `${probe.provider}:${probe.name}`))].slice(0, 10).join(", ");
  throw new BpfError("NO_ATTACH_TARGET", `${path} has no USDT probe ${name}${known === "" ? "" : `, only: ${known}`}`, {
    path,
    name,
  });
}

/**
 * Attaches to every place where a USDT probe stands in a file; its semaphores are held up meanwhile. Reading arguments
 * needs attach cookies (5.15).
 *
 * @throws BpfError `"NO_ATTACH_TARGET"`, FormatError for arguments that a program could not read
 */
export function attachUsdt(program: Program, path: string, name: string, options: UsdtOptions = {}): KernelLink {
  requireType(program, "a USDT probe", "kprobe");
  const links: KernelLink[] = [];
  const used: number[] = [];
  const close = () => {
    for (const link of links) link.close();
    const taken = options.specs === undefined ? undefined : takenElements.get(options.specs);
    for (const id of used) taken?.delete(id);
  };
  try {
    for (const probe of findUsdt(path, name)) {
      const cookie =
        options.specs === undefined ? options.cookie : storeSpec(options.specs, probe, options.cookie, used);
      const place = { offset: probe.fileOffset, counterOffset: probe.semaphore };
      links.push(attachUprobe(program, path, { ...place, pid: options.pid, cookie }));
    }
  } catch (error) {
    close();
    throw error;
  }
  return new Attachment("usdt", program, { detach: close }, { outlives: false });
}

/** Puts the place's arguments into a free element of the map; the element's number is the place's cookie. */
function storeSpec(specs: BpfMap, probe: UsdtProbe, cookie: bigint | undefined, used: number[]): bigint {
  const spec = encodeUsdtSpec(parseUsdtArguments(probe.arguments), cookie ?? 0n);
  if (spec.length !== specs.info.valueSize) {
    throw new BpfError(
      "USDT_SPECS",
      `map '${specs.name}' has values of ${specs.info.valueSize} bytes, not ${spec.length}: it is another version of usdt.bpf.h`,
    );
  }
  const taken = takenElements.get(specs) ?? new Set<number>();
  takenElements.set(specs, taken);
  let id = 0;
  while (taken.has(id)) id++;
  if (id >= specs.info.maxEntries) throw new BpfError("USDT_SPECS", `map '${specs.name}' has no room for more places`);
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, id, true);
  specs.raw.update(key, spec);
  taken.add(id);
  used.push(id);
  return BigInt(id);
}
