import type { HelperArgument, HelperPrototype } from "./helper-prototype.js";

const anything = { kind: "anything" } as const;
const ctx = { kind: "ctx" } as const;
const map = { kind: "const_map_ptr" } as const;
const mapKey = { kind: "map_key" } as const;
const mapValue = { kind: "map_value" } as const;
const readMem = { kind: "mem", readOnly: true } as const;
const fillMem = { kind: "mem", uninitialized: true, writes: true } as const;
const size = { kind: "const_size" } as const;
const sizeOrZero = { kind: "const_size_or_zero" } as const;
const integer = { kind: "integer" } as const;
const nothing = { kind: "void" } as const;

function fixed(fixedSize: number, more: Partial<HelperArgument> = {}): HelperArgument {
  return { kind: "mem", fixedSize, ...more };
}

/**
 * Helper prototypes, sorted by number.
 *
 * @see https://docs.kernel.org/bpf/helpers.html
 * @see bpf-helpers(7)
 */
// biome-ignore format: one row a helper
export const helperPrototypes: readonly HelperPrototype[] = [
  { id: 1, name: "map_lookup_elem", since: "3.19", args: [map, mapKey], returns: { kind: "map_value", nullable: true }, packetAccess: true },
  { id: 2, name: "map_update_elem", since: "3.19", args: [map, mapKey, mapValue, anything], returns: integer, packetAccess: true },
  { id: 3, name: "map_delete_elem", since: "3.19", args: [map, mapKey], returns: integer, packetAccess: true },
  { id: 5, name: "ktime_get_ns", since: "4.1", args: [], returns: integer },
  { id: 6, name: "trace_printk", since: "4.1", args: [readMem, size], returns: integer, gplOnly: true },
  { id: 7, name: "get_prandom_u32", since: "4.1", args: [], returns: integer },
  { id: 8, name: "get_smp_processor_id", since: "4.1", args: [], returns: integer, fastcall: true },
  { id: 9, name: "skb_store_bytes", since: "4.1", args: [ctx, anything, readMem, size, anything], returns: integer, changesPacket: true },
  { id: 10, name: "l3_csum_replace", since: "4.1", args: [ctx, anything, anything, anything, anything], returns: integer, changesPacket: true },
  { id: 11, name: "l4_csum_replace", since: "4.1", args: [ctx, anything, anything, anything, anything], returns: integer, changesPacket: true },
  { id: 12, name: "tail_call", since: "4.2", args: [ctx, map, anything], returns: nothing },
  { id: 23, name: "redirect", since: "4.4", args: [anything, anything], returns: integer },
  { id: 25, name: "perf_event_output", since: "4.4", args: [ctx, map, anything, readMem, sizeOrZero], returns: integer, gplOnly: true },
  { id: 26, name: "skb_load_bytes", since: "4.5", args: [ctx, anything, fillMem, size], returns: integer },
  { id: 28, name: "csum_diff", since: "4.6", args: [{ kind: "mem", readOnly: true, nullable: true }, sizeOrZero, { kind: "mem", readOnly: true, nullable: true }, sizeOrZero, anything], returns: integer, packetAccess: true },
  { id: 39, name: "skb_pull_data", since: "4.9", args: [ctx, anything], returns: integer, changesPacket: true },
  { id: 44, name: "xdp_adjust_head", since: "4.10", args: [ctx, anything], returns: integer, changesPacket: true },
  { id: 51, name: "redirect_map", since: "4.14", args: [map, anything, anything], returns: integer },
  { id: 54, name: "xdp_adjust_meta", since: "4.15", args: [ctx, anything], returns: integer, changesPacket: true },
  { id: 65, name: "xdp_adjust_tail", since: "4.18", args: [ctx, anything], returns: integer, changesPacket: true },
  { id: 69, name: "fib_lookup", since: "4.18", args: [ctx, { kind: "mem", writes: true }, size, anything], returns: integer, gplOnly: true },
  { id: 84, name: "sk_lookup_tcp", since: "4.20", args: [ctx, readMem, size, anything, anything], returns: { kind: "socket", nullable: true }, packetAccess: true },
  { id: 85, name: "sk_lookup_udp", since: "4.20", args: [ctx, readMem, size, anything, anything], returns: { kind: "socket", nullable: true }, packetAccess: true },
  { id: 86, name: "sk_release", since: "4.20", args: [{ kind: "btf_id_sock_common", releases: true }], returns: integer },
  { id: 93, name: "spin_lock", since: "5.1", args: [{ kind: "spin_lock" }], returns: nothing },
  { id: 94, name: "spin_unlock", since: "5.1", args: [{ kind: "spin_lock" }], returns: nothing },
  { id: 125, name: "ktime_get_boot_ns", since: "5.8", args: [], returns: integer },
  { id: 130, name: "ringbuf_output", since: "5.8", args: [map, readMem, sizeOrZero, anything], returns: integer },
  { id: 131, name: "ringbuf_reserve", since: "5.8", args: [map, { kind: "alloc_size_or_zero" }, anything], returns: { kind: "ringbuf_mem", nullable: true } },
  { id: 132, name: "ringbuf_submit", since: "5.8", args: [{ kind: "ringbuf_mem", releases: true }, anything], returns: nothing },
  { id: 133, name: "ringbuf_discard", since: "5.8", args: [{ kind: "ringbuf_mem", releases: true }, anything], returns: nothing },
  { id: 163, name: "check_mtu", since: "5.12", args: [ctx, anything, fixed(4, { writes: true, aligned: true }), anything, anything], returns: integer },
  { id: 164, name: "for_each_map_elem", since: "5.13", args: [map, { kind: "func" }, { kind: "stack", nullable: true }, anything], returns: integer },
  { id: 181, name: "loop", since: "5.17", args: [anything, { kind: "func" }, { kind: "stack", nullable: true }, anything], returns: integer },
];
