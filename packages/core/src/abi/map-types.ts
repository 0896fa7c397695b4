/**
 * Map types, by the number that bpf(2) takes. `since` is the first kernel with the type.
 *
 * @see https://docs.kernel.org/bpf/maps.html
 */
export const mapTypes = [
  { id: 1, name: "hash", kernelName: "BPF_MAP_TYPE_HASH", since: "3.19" },
  { id: 2, name: "array", kernelName: "BPF_MAP_TYPE_ARRAY", since: "3.19" },
  { id: 3, name: "prog_array", kernelName: "BPF_MAP_TYPE_PROG_ARRAY", since: "4.2" },
  { id: 4, name: "perf_event_array", kernelName: "BPF_MAP_TYPE_PERF_EVENT_ARRAY", since: "4.3" },
  { id: 5, name: "percpu_hash", kernelName: "BPF_MAP_TYPE_PERCPU_HASH", since: "4.6" },
  { id: 6, name: "percpu_array", kernelName: "BPF_MAP_TYPE_PERCPU_ARRAY", since: "4.6" },
  { id: 7, name: "stack_trace", kernelName: "BPF_MAP_TYPE_STACK_TRACE", since: "4.6" },
  { id: 8, name: "cgroup_array", kernelName: "BPF_MAP_TYPE_CGROUP_ARRAY", since: "4.8" },
  { id: 9, name: "lru_hash", kernelName: "BPF_MAP_TYPE_LRU_HASH", since: "4.10" },
  { id: 10, name: "lru_percpu_hash", kernelName: "BPF_MAP_TYPE_LRU_PERCPU_HASH", since: "4.10" },
  { id: 11, name: "lpm_trie", kernelName: "BPF_MAP_TYPE_LPM_TRIE", since: "4.11" },
  { id: 12, name: "array_of_maps", kernelName: "BPF_MAP_TYPE_ARRAY_OF_MAPS", since: "4.12" },
  { id: 13, name: "hash_of_maps", kernelName: "BPF_MAP_TYPE_HASH_OF_MAPS", since: "4.12" },
  { id: 14, name: "devmap", kernelName: "BPF_MAP_TYPE_DEVMAP", since: "4.14" },
  { id: 15, name: "sockmap", kernelName: "BPF_MAP_TYPE_SOCKMAP", since: "4.14" },
  { id: 16, name: "cpumap", kernelName: "BPF_MAP_TYPE_CPUMAP", since: "4.15" },
  { id: 17, name: "xskmap", kernelName: "BPF_MAP_TYPE_XSKMAP", since: "4.18" },
  { id: 18, name: "sockhash", kernelName: "BPF_MAP_TYPE_SOCKHASH", since: "4.18" },
  { id: 19, name: "cgroup_storage", kernelName: "BPF_MAP_TYPE_CGROUP_STORAGE", since: "4.19" },
  { id: 20, name: "reuseport_sockarray", kernelName: "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY", since: "4.19" },
  { id: 21, name: "percpu_cgroup_storage", kernelName: "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE", since: "4.20" },
  { id: 22, name: "queue", kernelName: "BPF_MAP_TYPE_QUEUE", since: "4.20" },
  { id: 23, name: "stack", kernelName: "BPF_MAP_TYPE_STACK", since: "4.20" },
  { id: 24, name: "sk_storage", kernelName: "BPF_MAP_TYPE_SK_STORAGE", since: "5.2" },
  { id: 25, name: "devmap_hash", kernelName: "BPF_MAP_TYPE_DEVMAP_HASH", since: "5.4" },
  { id: 26, name: "struct_ops", kernelName: "BPF_MAP_TYPE_STRUCT_OPS", since: "5.6" },
  { id: 27, name: "ringbuf", kernelName: "BPF_MAP_TYPE_RINGBUF", since: "5.8" },
  { id: 28, name: "inode_storage", kernelName: "BPF_MAP_TYPE_INODE_STORAGE", since: "5.10" },
  { id: 29, name: "task_storage", kernelName: "BPF_MAP_TYPE_TASK_STORAGE", since: "5.11" },
  { id: 30, name: "bloom_filter", kernelName: "BPF_MAP_TYPE_BLOOM_FILTER", since: "5.16" },
  { id: 31, name: "user_ringbuf", kernelName: "BPF_MAP_TYPE_USER_RINGBUF", since: "6.1" },
  { id: 32, name: "cgrp_storage", kernelName: "BPF_MAP_TYPE_CGRP_STORAGE", since: "6.2" },
  { id: 33, name: "arena", kernelName: "BPF_MAP_TYPE_ARENA", since: "6.9" },
] as const;

/** A type of map (`enum bpf_map_type`), by the names above. */
export type MapType = (typeof mapTypes)[number]["name"];

const byName: ReadonlyMap<string, (typeof mapTypes)[number]> = new Map(mapTypes.map((type) => [type.name, type]));
const byId: ReadonlyMap<number, (typeof mapTypes)[number]> = new Map(mapTypes.map((type) => [type.id, type]));

/** The number of a map type. */
export function mapTypeId(name: MapType): number {
  return byName.get(name)!.id;
}

/** The name of a map type's number, or undefined for a number that 6.18 doesn't know. */
export function mapTypeName(id: number): MapType | undefined {
  return byId.get(id)?.name;
}

/** Is it the name of a {@link MapType}? */
export function isMapType(name: string): name is MapType {
  return byName.has(name);
}
