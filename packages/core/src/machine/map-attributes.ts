import { kernelObjectName } from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import type { MapAttributes } from "../maps/index.js";
import type { MapSpec } from "../spec/index.js";
import { specialFields } from "./map-fields.js";

const PAGE_SIZE = 4096;

/** What BPF_MAP_CREATE is given for a spec, as libbpf fills in what objects leave open. */
export function mapAttributes(spec: MapSpec, btf: Btf | undefined, cpus: number): MapAttributes {
  const isRing = spec.type === "ringbuf" || spec.type === "user_ringbuf";
  const isPerfArray = spec.type === "perf_event_array";
  return {
    name: kernelObjectName(spec.name),
    type: spec.type,
    // The value type of a ring or a perf event array is that of its events, not of what its entries hold.
    keySize: isRing ? 0 : spec.keySize,
    valueSize: isRing ? 0 : isPerfArray ? 4 : spec.valueSize,
    maxEntries: entries(spec, cpus),
    flags: spec.flags,
    numaNode: spec.numaNode,
    mapExtra: spec.mapExtra,
    fields: isRing || isPerfArray ? [] : specialFields(btf, spec.valueTypeId),
  };
}

function entries({ type, maxEntries }: MapSpec, cpus: number): number {
  if (type === "perf_event_array" && maxEntries === 0) return cpus;
  if ((type !== "ringbuf" && type !== "user_ringbuf") || maxEntries === 0) return maxEntries;
  let size = PAGE_SIZE;
  while (size < maxEntries) size *= 2;
  return size;
}
