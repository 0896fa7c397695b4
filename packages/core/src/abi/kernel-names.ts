import type { AttachType } from "./attach-types.js";
import type { MapType } from "./map-types.js";

/** What stands in the kernel's BTF for the target of a program. */
export interface KernelTarget {
  readonly name: string;
  readonly kind: "func" | "typedef";
}

/**
 * Where the kernel's BTF has what a program with this attach type attaches to; undefined for attach types that have no
 * target there. `target` is as sections name it, without its module: a function, tracepoint, hook or iterator.
 */
export function kernelTarget(attachType: AttachType | undefined, target: string): KernelTarget | undefined {
  switch (attachType) {
    case "trace_raw_tp":
      return { name: `btf_trace_${target}`, kind: "typedef" };
    case "trace_iter":
      return { name: `bpf_iter_${target}`, kind: "func" };
    case "lsm_mac":
    case "lsm_cgroup":
      return { name: `bpf_lsm_${target}`, kind: "func" };
    case "trace_fentry":
    case "trace_fexit":
    case "modify_return":
      return { name: target, kind: "func" };
    default:
      return undefined;
  }
}

/** Maps that BPF_MAP_CREATE takes no BTF of keys and values for. */
export const untypedMaps: ReadonlySet<MapType> = new Set([
  "perf_event_array",
  "cgroup_array",
  "stack_trace",
  "array_of_maps",
  "hash_of_maps",
  "devmap",
  "devmap_hash",
  "cpumap",
  "xskmap",
  "sockmap",
  "sockhash",
  "queue",
  "stack",
  "ringbuf",
  "user_ringbuf",
  "bloom_filter",
  "arena",
]);

/** What a call of a weak kernel function that is missing calls: nothing has this number, and dead code may have it. */
export const MISSING_KFUNC_CALL = 2_002_000_000;

/**
 * A program's or map's name as loaders pass it to the kernel: 15 letters, digits, `_` and `.` (BPF_OBJ_NAME_LEN); whatever
 * else is there becomes `_`.
 */
export function kernelObjectName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
}
