import type { MapType } from "./map-types.js";

const structs: Readonly<Record<string, readonly MapType[]>> = {
  bpf_array: ["array", "percpu_array", "prog_array", "perf_event_array", "cgroup_array", "array_of_maps"],
  bpf_htab: ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "hash_of_maps"],
  lpm_trie: ["lpm_trie"],
  bpf_queue_stack: ["queue", "stack"],
  bpf_ringbuf_map: ["ringbuf", "user_ringbuf"],
  bpf_stack_map: ["stack_trace"],
  bpf_cgroup_storage_map: ["cgroup_storage", "percpu_cgroup_storage"],
  bpf_stab: ["sockmap"],
  bpf_shtab: ["sockhash"],
  bpf_dtab: ["devmap", "devmap_hash"],
  bpf_cpu_map: ["cpumap"],
  xsk_map: ["xskmap"],
  reuseport_array: ["reuseport_sockarray"],
  bpf_local_storage_map: ["sk_storage", "inode_storage", "task_storage", "cgrp_storage"],
  bpf_bloom_filter: ["bloom_filter"],
  bpf_arena: ["arena"],
  bpf_struct_ops_map: ["struct_ops"],
};

/** The kernel's struct of a map of a type: programs may read it through the map's address. */
export function mapStruct(type: MapType): string | undefined {
  return Object.keys(structs).find((struct) => structs[struct]!.includes(type));
}
