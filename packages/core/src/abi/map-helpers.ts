import type { HelperMapRule, MapHelperRule } from "./program-rules.js";

const ringbuf = [
  "ringbuf_output",
  "ringbuf_reserve",
  "ringbuf_query",
  "ringbuf_reserve_dynptr",
  "ringbuf_submit_dynptr",
  "ringbuf_discard_dynptr",
];
const perfEvents = ["perf_event_read", "perf_event_output", "skb_output", "perf_event_read_value", "xdp_output"];
const cgroupTests = ["skb_under_cgroup", "current_task_under_cgroup"];

/**
 * Maps that only some helpers take; any helper takes the others. Some program types update and delete entries of socket
 * maps as well.
 */
// biome-ignore format: one row a map type
export const mapHelperRules: readonly MapHelperRule[] = [
  { map: "prog_array", helpers: ["tail_call"] },
  { map: "perf_event_array", helpers: perfEvents },
  { map: "ringbuf", helpers: ringbuf },
  { map: "user_ringbuf", helpers: ["user_ringbuf_drain"] },
  { map: "stack_trace", helpers: ["get_stackid"] },
  { map: "cgroup_array", helpers: cgroupTests },
  { map: "cgroup_storage", helpers: ["get_local_storage"] },
  { map: "percpu_cgroup_storage", helpers: ["get_local_storage"] },
  { map: "devmap", helpers: ["redirect_map", "map_lookup_elem"] },
  { map: "devmap_hash", helpers: ["redirect_map", "map_lookup_elem"] },
  { map: "cpumap", helpers: ["redirect_map"] },
  { map: "xskmap", helpers: ["redirect_map", "map_lookup_elem"] },
  { map: "array_of_maps", helpers: ["map_lookup_elem"] },
  { map: "hash_of_maps", helpers: ["map_lookup_elem"] },
  { map: "sockmap", helpers: ["sk_redirect_map", "sock_map_update", "msg_redirect_map", "sk_select_reuseport", "map_lookup_elem"] },
  { map: "sockhash", helpers: ["sk_redirect_hash", "sock_hash_update", "msg_redirect_hash", "sk_select_reuseport", "map_lookup_elem"] },
  { map: "reuseport_sockarray", helpers: ["sk_select_reuseport"] },
  { map: "queue", helpers: ["map_peek_elem", "map_pop_elem", "map_push_elem"] },
  { map: "stack", helpers: ["map_peek_elem", "map_pop_elem", "map_push_elem"] },
  { map: "sk_storage", helpers: ["sk_storage_get", "sk_storage_delete", "kptr_xchg"] },
  { map: "inode_storage", helpers: ["inode_storage_get", "inode_storage_delete", "kptr_xchg"] },
  { map: "task_storage", helpers: ["task_storage_get", "task_storage_delete", "kptr_xchg"] },
  { map: "cgrp_storage", helpers: ["cgrp_storage_get", "cgrp_storage_delete", "kptr_xchg"] },
  { map: "bloom_filter", helpers: ["map_peek_elem", "map_push_elem"] },
];

/** Helpers that take only some maps. */
// biome-ignore format: one row a helper
export const helperMapRules: readonly HelperMapRule[] = [
  { helper: "tail_call", maps: ["prog_array"] },
  ...perfEvents.map((helper) => ({ helper, maps: ["perf_event_array" as const] })),
  ...ringbuf.map((helper) => ({ helper, maps: ["ringbuf" as const] })),
  { helper: "user_ringbuf_drain", maps: ["user_ringbuf"] },
  { helper: "get_stackid", maps: ["stack_trace"] },
  ...cgroupTests.map((helper) => ({ helper, maps: ["cgroup_array" as const] })),
  { helper: "redirect_map", maps: ["devmap", "devmap_hash", "cpumap", "xskmap"] },
  { helper: "sk_redirect_map", maps: ["sockmap"] },
  { helper: "msg_redirect_map", maps: ["sockmap"] },
  { helper: "sock_map_update", maps: ["sockmap"] },
  { helper: "sk_redirect_hash", maps: ["sockhash"] },
  { helper: "msg_redirect_hash", maps: ["sockhash"] },
  { helper: "sock_hash_update", maps: ["sockhash"] },
  { helper: "get_local_storage", maps: ["cgroup_storage", "percpu_cgroup_storage"] },
  { helper: "sk_select_reuseport", maps: ["reuseport_sockarray", "sockmap", "sockhash"] },
  { helper: "map_pop_elem", maps: ["queue", "stack"] },
  { helper: "map_peek_elem", maps: ["queue", "stack", "bloom_filter"] },
  { helper: "map_push_elem", maps: ["queue", "stack", "bloom_filter"] },
  { helper: "map_lookup_percpu_elem", maps: ["percpu_array", "percpu_hash", "lru_percpu_hash"] },
  { helper: "sk_storage_get", maps: ["sk_storage"] },
  { helper: "sk_storage_delete", maps: ["sk_storage"] },
  { helper: "inode_storage_get", maps: ["inode_storage"] },
  { helper: "inode_storage_delete", maps: ["inode_storage"] },
  { helper: "task_storage_get", maps: ["task_storage"] },
  { helper: "task_storage_delete", maps: ["task_storage"] },
  { helper: "cgrp_storage_get", maps: ["cgrp_storage"] },
  { helper: "cgrp_storage_delete", maps: ["cgrp_storage"] },
];
