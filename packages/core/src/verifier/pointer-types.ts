/**
 * What a register holds: a kind in the low byte, flags above it. A type without flags and above {@link SCALAR} is a
 * pointer that is not null.
 */
export const NOT_INIT = 0;
export const SCALAR = 1;
export const CTX = 2;
export const MAP_PTR = 3;
export const MAP_VALUE = 4;
export const MAP_KEY = 5;
export const STACK = 6;
export const PACKET_META = 7;
export const PACKET = 8;
export const PACKET_END = 9;
export const FLOW_KEYS = 10;
export const SOCKET = 11;
export const SOCK_COMMON = 12;
export const TCP_SOCK = 13;
export const TP_BUFFER = 14;
export const XDP_SOCK = 15;
export const BTF_ID = 16;
export const MEM = 17;
export const ARENA = 18;
export const BUF = 19;
export const FUNC = 20;
export const DYNPTR = 21;

export const KIND = 0xff;

/** The pointer may be null. */
export const MAYBE_NULL = 1 << 8;
export const READ_ONLY = 1 << 9;
/** A ring buffer record that was reserved. */
export const RINGBUF_MEM = 1 << 10;
/** User-space memory. */
export const USER_MEM = 1 << 11;
export const PERCPU = 1 << 12;
/** Loaded without any promise that it is valid: to be read with care, never to be passed on. */
export const UNTRUSTED = 1 << 13;
/** Memory of an object of the program's own types (`bpf_obj_new`). */
export const ALLOCATED = 1 << 14;
/** Valid, by the kernel's word. */
export const TRUSTED = 1 << 15;
/** Valid within the RCU read-side section. */
export const RCU = 1 << 16;
/** A node that a list or tree owns. */
export const NON_OWNING = 1 << 17;

const SLICE_SHIFT = 18;
const SLICE = 7 << SLICE_SHIFT;

/** The flag of a slice of a dynptr of a kind (its number). */
export function sliceFlag(dynptrKind: number): number {
  return dynptrKind << SLICE_SHIFT;
}

/** The type without saying that it is a slice. */
export function withoutSlice(type: number): number {
  return type & ~SLICE;
}

/** Kinds of dynptr whose slices may point into a packet: skb, xdp, skb_meta. */
export function isPacketSlice(type: number): boolean {
  const kind = (type & SLICE) >> SLICE_SHIFT;
  return (type & KIND) === MEM && kind >= 3 && kind <= 5;
}

const kindNames = [
  "?",
  "scalar",
  "ctx",
  "map_ptr",
  "map_value",
  "map_key",
  "fp",
  "pkt_meta",
  "pkt",
  "pkt_end",
  "flow_keys",
  "sock",
  "sock_common",
  "tcp_sock",
  "tp_buffer",
  "xdp_sock",
  "ptr_",
  "mem",
  "arena",
  "buf",
  "func",
  "dynptr_ptr",
] as const;

const prefixes: readonly (readonly [number, string])[] = [
  [READ_ONLY, "rdonly_"],
  [RINGBUF_MEM, "ringbuf_"],
  [USER_MEM, "user_"],
  [PERCPU, "percpu_"],
  [RCU, "rcu_"],
  [UNTRUSTED, "untrusted_"],
  [TRUSTED, "trusted_"],
];

/** The type as the kernel's log writes it, e.g. `"rcu_ptr_or_null_"`. */
export function typeName(type: number): string {
  let text = "";
  for (const [flag, prefix] of prefixes) {
    if ((type & flag) !== 0) text += prefix;
  }
  text += kindNames[type & KIND];
  if ((type & MAYBE_NULL) !== 0) text += (type & KIND) === BTF_ID ? "or_null_" : "_or_null";
  return text;
}

export function isPacketPointer(type: number): boolean {
  const kind = type & KIND;
  return kind === PACKET || kind === PACKET_META;
}

/** Pointers to the kernel's socket structures, which have fields of their own. */
export function isSocketPointer(type: number): boolean {
  return type === SOCKET || type === SOCK_COMMON || type === TCP_SOCK || type === XDP_SOCK;
}

/** Pointers that stay pointers when stored to the stack. */
export function isSpillable(type: number): boolean {
  const kind = type & KIND;
  return kind !== NOT_INIT && kind !== SCALAR && kind !== TP_BUFFER && kind !== DYNPTR;
}
