import { describe, expect } from "vitest";
import type { HostUnderTest } from "./host-under-test.js";
import { type ProgramCase, programCases, testFrame } from "./program-case.js";

const ENOMEM = -12;
const EFAULT = -14;
const EINVAL = -22;
const EPROTO = -71;
const EALREADY = -114;
const ENOTSUPP = -524;
const ENOENT = -2;
const EACCES = -13;

/** An IPv6 frame: UDP from 2001:db8::1 to 2001:db8::2. */
const frame6 = Uint8Array.from([
  ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd],
  ...[0x60, 0x20, 0, 0, 0, 12, 17, 64],
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
  ...[0, 53, 0, 99, 0, 12, 0xab, 0xcd, 9, 8, 7, 6],
]);
/** Two tags, 802.1ad 5 around 802.1Q 6, in front of the IPv4 frame. */
const tagged = Uint8Array.from([
  ...testFrame.subarray(0, 12),
  ...[0x88, 0xa8, 0, 5, 0x81, 0, 0x20, 6],
  ...testFrame.subarray(12),
]);
/** A frame with a length in place of an EtherType. */
const llc = Uint8Array.from([...testFrame.subarray(0, 12), 0, 40, 0x42, 0x42, 3, ...new Uint8Array(37)]);
const arpFrame = Uint8Array.from([...testFrame.subarray(0, 12), 8, 6, ...new Uint8Array(28)]);

function skb(fields: Readonly<Record<number, number>>): Uint8Array {
  const bytes = new Uint8Array(192);
  for (const [at, value] of Object.entries(fields)) new DataView(bytes.buffer).setUint32(Number(at), value, true);
  return bytes;
}

const field = (offset: number) => `r0 = *(u32 *)(r6 + ${offset})`;
const call = (name: string, ...args: (number | string)[]) =>
  `r1 = r6; ${args.map((arg, index) => `r${index + 2} = ${arg}`).join("; ")}${args.length ? "; " : ""}call bpf_${name}`;
/** The first `call`'s result goes for nothing. */
const after = (first: string, then: string) => `${first}; ${then}`;
const load = (offset: number) => `
  r1 = r6; r2 = ${offset}; r3 = r10; r3 += -8; r4 = 4
  call bpf_skb_load_bytes
  if r0 != 0 goto 1f
  r0 = *(u32 *)(r10 - 8)
1:`;
const loadRelative = (offset: number, start: number) => `
  r1 = r6; r2 = ${offset}; r3 = r10; r3 += -8; r4 = 4; r5 = ${start}
  call bpf_skb_load_bytes_relative
  if r0 != 0 goto 1f
  r0 = *(u32 *)(r10 - 8)
1:`;
const store = (offset: number, flags: number | string = 0) => `
  *(u32 *)(r10 - 8) = 0x01020304
  r1 = r6; r2 = ${offset}; r3 = r10; r3 += -8; r4 = 4; r5 = ${flags}
  call bpf_skb_store_bytes`;

const fields: readonly ProgramCase[] = [
  { name: "sees the length", source: field(0), retval: 60 },
  { name: "sees whom the frame is for", source: field(4), retval: 3 },
  { name: "sees multicast", source: field(4), data: Uint8Array.of(1, ...testFrame.subarray(1)), retval: 2 },
  {
    name: "takes broadcast for multicast on the loopback device",
    source: field(4),
    data: Uint8Array.of(255, 255, 255, 255, 255, 255, ...testFrame.subarray(6)),
    retval: 2,
  },
  {
    name: "sees the host's own",
    source: field(4),
    data: Uint8Array.of(0, 0, 0, 0, 0, 0, ...testFrame.subarray(6)),
    retval: 0,
  },
  { name: "sees IPv4 in network order", source: field(16), retval: 0x0008 },
  { name: "sees IPv6 in network order", source: field(16), data: frame6, retval: 0xdd86 },
  { name: "sees a tag as the protocol", source: field(16), data: tagged, retval: 0xa888 },
  { name: "sees 802.2 where a length stands", source: field(16), data: llc, retval: 0x0400 },
  { name: "sees no tag beside the packet", source: field(20), data: tagged, retval: 0 },
  { name: "sees the loopback device", source: field(40), retval: 1 },
  { name: "sees no ingress device", source: field(36), retval: 0 },
  { name: "sees no wire length without a context", source: field(160), retval: 0 },
  { name: "sees the packet's length as wire length with one", source: field(160), context: skb({}), retval: 60 },
  { name: "sees what the context says", source: field(8), context: skb({ 8: 77 }), retval: 77 },
  { name: "sees the control block", source: field(64), context: skb({ 64: 5 }), retval: 5 },
  {
    name: "gives the context back",
    source: "*(u32 *)(r6 + 8) = 9; *(u32 *)(r6 + 32) = 8; *(u32 *)(r6 + 52) = 7; r0 = 0",
    context: skb({ 8: 1, 160: 100 }),
    retval: 0,
    check: ({ context }) => expect(context).toEqual(skb({ 8: 9, 32: 8, 40: 1, 52: 7, 160: 100 })),
  },
  {
    name: "reaches all of the packet directly",
    source: "r0 = *(u32 *)(r6 + 80); r1 = *(u32 *)(r6 + 76); r0 -= r1",
    retval: 60,
  },
];

const bytes: readonly ProgramCase[] = [
  { name: "loads bytes", source: load(54), retval: 0x04030201 },
  { name: "loads none beyond the end", source: load(57), retval: EFAULT },
  { name: "loads none at negative offsets", source: load(-4), retval: EFAULT },
  {
    name: "zeroes what it could not load",
    source: `*(u32 *)(r10 - 8) = -1; ${load(57)}; r0 = *(u32 *)(r10 - 8)`,
    retval: 0,
  },
  { name: "loads from the network header", source: loadRelative(12, 1), retval: 0x0100000a },
  { name: "loads from the MAC header", source: loadRelative(26, 0), retval: 0x0100000a },
  { name: "loads from no other header", source: loadRelative(0, 2), retval: EFAULT },
  { name: "loads none beyond the end of the packet", source: loadRelative(43, 1), retval: EFAULT },
  { name: "stores bytes", source: store(56), retval: 0, bytes: { 55: [2, 4, 3, 2, 1] } },
  { name: "stores none beyond the end", source: store(57), retval: EFAULT },
  { name: "stores with no unknown flag", source: store(56, 4), retval: EINVAL },
  { name: "looks at all 64 bits of a store's flags", source: store(56, "0x100000000 ll"), retval: EINVAL },
  { name: "pulls what is there", source: call("skb_pull_data", 60), retval: 0 },
  { name: "pulls no more", source: call("skb_pull_data", 61), retval: ENOMEM },
  { name: "pulls everything for 0", source: call("skb_pull_data", 0), retval: 0 },
];

const room: readonly ProgramCase[] = [
  { name: "cuts the tail", source: call("skb_change_tail", 40, 0), retval: 0, length: 40 },
  { name: "cuts down to the network header", source: call("skb_change_tail", 14, 0), retval: 0, length: 14 },
  { name: "cuts no more", source: call("skb_change_tail", 13, 0), retval: EINVAL },
  {
    name: "grows the tail with zeros",
    source: call("skb_change_tail", 64, 0),
    retval: 0,
    length: 64,
    bytes: { 58: [5, 6, 0, 0, 0, 0] },
  },
  { name: "grows up to 16064 bytes", source: call("skb_change_tail", 16064, 0), retval: 0, length: 16064 },
  { name: "grows no further", source: call("skb_change_tail", 16065, 0), retval: EINVAL },
  { name: "takes no flags for the tail", source: call("skb_change_tail", 40, 1), retval: EINVAL },
  {
    name: "grows the head with zeros",
    source: call("skb_change_head", 4, 0),
    retval: 0,
    length: 64,
    bytes: { 0: [0, 0, 0, 0, 2, 0] },
  },
  { name: "grows the head up to 16064 bytes", source: call("skb_change_head", 16004, 0), retval: 0, length: 16064 },
  { name: "grows the head no further", source: call("skb_change_head", 16005, 0), retval: EINVAL },
  { name: "cannot shrink the head", source: call("skb_change_head", -4, 0), retval: EINVAL },
  { name: "takes no flags for the head", source: call("skb_change_head", 4, 1), retval: EINVAL },
  {
    name: "moves the MAC header to the new head",
    source: after(call("skb_change_head", 4, 0), loadRelative(4, 0)),
    retval: 0x00000002,
    length: 64,
  },
  {
    name: "makes room at the network header",
    source: call("skb_adjust_room", 8, 1, 0),
    retval: 0,
    length: 68,
    bytes: { 10: [0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x45] },
  },
  {
    name: "makes room behind the IP header",
    source: call("skb_adjust_room", 8, 0, 0),
    retval: 0,
    length: 68,
    bytes: { 12: [8, 0, 0x45], 34: [0, 0, 0, 0, 0, 0, 0, 0, 3, 0xe8] },
  },
  {
    name: "takes room away at the network header",
    source: call("skb_adjust_room", -20, 1, 0),
    retval: 0,
    length: 40,
    bytes: { 10: [0, 1, 8, 0, 3, 0xe8] },
  },
  {
    name: "takes room away behind the IP header",
    source: call("skb_adjust_room", -20, 0, 0),
    retval: 0,
    length: 40,
    bytes: { 12: [8, 0, 0x45], 34: [1, 2, 3] },
  },
  { name: "keeps an IP header", source: call("skb_adjust_room", -27, 1, 0), retval: ENOTSUPP },
  { name: "makes room of 4095 bytes", source: call("skb_adjust_room", 4095, 1, 0), retval: 0, length: 4155 },
  { name: "makes no more", source: call("skb_adjust_room", 4096, 1, 0), retval: EFAULT },
  { name: "makes no room with unknown flags", source: call("skb_adjust_room", 8, 1, 1 << 9), retval: EINVAL },
  { name: "makes no room in unknown modes", source: call("skb_adjust_room", 8, 2, 0), retval: ENOTSUPP },
  { name: "makes no room in ARP", source: call("skb_adjust_room", 8, 1, 0), data: arpFrame, retval: ENOTSUPP },
  { name: "encapsulates once", source: call("skb_adjust_room", 20, 1, 2), retval: 0, length: 80 },
  {
    name: "encapsulates no second time",
    source: after(call("skb_adjust_room", 20, 1, 2), call("skb_adjust_room", 20, 1, 2)),
    retval: EALREADY,
    length: 80,
  },
  { name: "encapsulates in one version of IP", source: call("skb_adjust_room", 20, 1, 6), retval: EINVAL },
  { name: "encapsulates in GRE or UDP", source: call("skb_adjust_room", 24, 1, 2 | 8 | 16), retval: EINVAL },
  {
    name: "changes the protocol where it encapsulates",
    source: after(call("skb_adjust_room", 40, 1, 4), field(16)),
    retval: 0xdd86,
    length: 100,
  },
  {
    name: "wants an inner MAC header of 14 bytes",
    source: call("skb_adjust_room", 40, 1, `${(2n | (1n << 6n) | (13n << 56n)).toString()} ll`),
    retval: EINVAL,
  },
  {
    name: "takes an inner MAC header",
    source: call("skb_adjust_room", 42, 1, `${(2n | (8n | (1n << 6n)) | (14n << 56n)).toString()} ll`),
    retval: 0,
    length: 102,
  },
  {
    name: "cuts no tail of what is encapsulated",
    source: after(call("skb_adjust_room", 20, 1, 2), call("skb_change_tail", 40, 0)),
    retval: ENOTSUPP,
    length: 80,
  },
  {
    name: "decapsulates to the other version",
    source: after(call("skb_adjust_room", -6, 1, 1 << 8), field(16)),
    retval: 0xdd86,
    length: 54,
  },
  { name: "does not decapsulate by growing", source: call("skb_adjust_room", 8, 1, 1 << 7), retval: EINVAL },
  {
    name: "changes IPv4 to IPv6",
    source: call("skb_change_proto", 0xdd86, 0),
    retval: 0,
    length: 80,
    bytes: { 12: [8, 0, 0, 0], 34: [0x45] },
  },
  {
    name: "changes IPv6 to IPv4",
    source: call("skb_change_proto", 0x0008, 0),
    data: frame6,
    retval: 0,
    length: 46,
    bytes: { 12: [0x86, 0xdd] },
  },
  { name: "changes to nothing else", source: call("skb_change_proto", 0x0008, 0), retval: ENOTSUPP },
  { name: "changes the protocol without flags", source: call("skb_change_proto", 0xdd86, 1), retval: EINVAL },
  {
    name: "keeps the network header's place in sight",
    source: after(call("skb_change_proto", 0xdd86, 0), loadRelative(20, 1)),
    retval: 0x2e000045,
    length: 80,
  },
];

const vlan: readonly ProgramCase[] = [
  { name: "pushes a tag beside the packet", source: call("skb_vlan_push", 0x0081, 0x2005), retval: 0 },
  {
    name: "shows the tag's control information",
    source: after(call("skb_vlan_push", 0x0081, 0x2005), field(24)),
    retval: 0x2005,
  },
  { name: "shows the tag's protocol", source: after(call("skb_vlan_push", 0xa888, 7), field(28)), retval: 0xa888 },
  { name: "shows that there is a tag", source: after(call("skb_vlan_push", 0xa888, 7), field(20)), retval: 1 },
  {
    name: "takes other protocols for 802.1Q",
    source: after(call("skb_vlan_push", 0x1234, 7), field(28)),
    retval: 0x0081,
  },
  {
    name: "pushes the first tag into the packet when there is a second",
    source: after(call("skb_vlan_push", 0x0081, 5), call("skb_vlan_push", 0xa888, 6)),
    retval: 0,
    length: 64,
    bytes: { 10: [0, 1, 0x81, 0, 0, 5, 8, 0, 0x45] },
  },
  {
    name: "carries the tag's protocol then",
    source: after(after(call("skb_vlan_push", 0x0081, 5), call("skb_vlan_push", 0xa888, 6)), field(16)),
    retval: 0x0081,
    length: 64,
  },
  { name: "pops nothing where there is no tag", source: call("skb_vlan_pop"), retval: 0 },
  {
    name: "pops the tag beside the packet",
    source: after(after(call("skb_vlan_push", 0x0081, 5), call("skb_vlan_pop")), field(20)),
    retval: 0,
  },
  {
    name: "pops a tag out of the packet and the next beside it",
    source: call("skb_vlan_pop"),
    data: tagged,
    retval: 0,
    length: 60,
    bytes: { 10: [0, 1, 8, 0, 0x45] },
  },
  {
    name: "has the next tag beside the packet then",
    source: after(call("skb_vlan_pop"), field(24)),
    data: tagged,
    retval: 0x2006,
    length: 60,
  },
  {
    name: "has the inner protocol then",
    source: after(call("skb_vlan_pop"), field(16)),
    data: tagged,
    retval: 8,
    length: 60,
  },
];

const state: readonly ProgramCase[] = [
  { name: "changes whom the packet is for", source: after(call("skb_change_type", 0), field(4)), retval: 0 },
  { name: "changes it to no unknown", source: call("skb_change_type", 4), retval: EINVAL },
  { name: "has no hash at first", source: field(68), retval: 0 },
  { name: "sets the hash", source: after(call("set_hash", 0x1234), field(68)), retval: 0x1234 },
  {
    name: "keeps a hash that is set",
    source: after(call("set_hash", 0x1234), call("get_hash_recalc")),
    retval: 0x1234,
  },
  {
    name: "forgets the hash",
    source: after(after(call("set_hash", 0x1234), call("set_hash_invalid")), field(68)),
    retval: 0,
  },
  { name: "computes a hash", source: `${call("get_hash_recalc")}; if r0 == 0 goto 1f; r0 = 1; 1:`, retval: 1 },
  {
    name: "forgets the hash with a store that says so",
    source: after(after(call("set_hash", 5), store(56, 2)), field(68)),
    retval: 0,
    bytes: { 56: [4] },
  },
  { name: "marks no congestion where the sender does not know it", source: call("skb_ecn_set_ce"), retval: 0 },
  {
    name: "marks congestion and mends the checksum",
    source: call("skb_ecn_set_ce"),
    data: Uint8Array.from([
      ...testFrame.subarray(0, 15),
      2,
      ...testFrame.subarray(16, 24),
      0x26,
      0xc4,
      ...testFrame.subarray(26),
    ]),
    retval: 1,
    bytes: { 15: [3], 24: [0x26, 0xc3] },
  },
  {
    name: "marks congestion in IPv6",
    source: call("skb_ecn_set_ce"),
    data: frame6,
    retval: 1,
    bytes: { 14: [0x60, 0x30] },
  },
  { name: "is in no class", source: call("get_cgroup_classid"), retval: 0 },
  { name: "is in no realm", source: call("get_route_realm"), retval: 0 },
  { name: "knows no checksum of the device", source: call("csum_update", 5), retval: ENOTSUPP },
  { name: "has no verified checksum", source: call("csum_level", 0), retval: EACCES },
  {
    name: "counts verified checksums",
    source: after(after(call("csum_level", 1), call("csum_level", 1)), call("csum_level", 0)),
    retval: 1,
  },
  {
    name: "forgets verified checksums",
    source: after(after(call("csum_level", 1), call("csum_level", 2)), call("csum_level", 0)),
    retval: EACCES,
  },
  { name: "refuses unknown questions about checksums", source: call("csum_level", 4), retval: EINVAL },
];

const key = (size: number, flags: number, name: "get" | "set") => `
  r1 = r6; r2 = r10; r2 += -48; r3 = ${size}; r4 = ${flags}
  call bpf_skb_${name}_tunnel_key`;
const fillKey = `
  *(u64 *)(r10 - 48) = 0; *(u64 *)(r10 - 40) = 0; *(u64 *)(r10 - 32) = 0
  *(u64 *)(r10 - 24) = 0; *(u64 *)(r10 - 16) = 0; *(u32 *)(r10 - 8) = 0
  *(u32 *)(r10 - 48) = 77; *(u32 *)(r10 - 44) = 0x0a000001; *(u8 *)(r10 - 28) = 3; *(u8 *)(r10 - 27) = 64; *(u32 *)(r10 - 20) = 0x0a000002`;

const tunnel: readonly ProgramCase[] = [
  { name: "has no tunnel at first", source: key(44, 0, "get"), retval: EINVAL },
  { name: "sets a tunnel's key", source: `${fillKey}; ${key(44, 0, "set")}`, retval: 0 },
  {
    name: "reads the key's id back",
    source: `${fillKey}; ${key(44, 0, "set")}; ${key(44, 0, "get")}; r0 = *(u32 *)(r10 - 48)`,
    retval: 77,
  },
  {
    name: "reads local as remote",
    source: `${fillKey}; ${key(44, 0, "set")}; ${key(44, 0, "get")}; r0 = *(u32 *)(r10 - 44)`,
    retval: 0x0a000002,
  },
  {
    name: "reads remote as local",
    source: `${fillKey}; ${key(44, 0, "set")}; ${key(44, 0, "get")}; r0 = *(u32 *)(r10 - 20)`,
    retval: 0x0a000001,
  },
  {
    name: "reads type of service and time to live",
    source: `${fillKey}; ${key(44, 0, "set")}; ${key(44, 0, "get")}; r0 = *(u16 *)(r10 - 28)`,
    retval: 0x4003,
  },
  {
    name: "reads the key's flags",
    source: `${fillKey}; ${key(44, 4, "set")}; ${key(44, 16, "get")}; r0 = *(u16 *)(r10 - 26)`,
    retval: 0x0521,
  },
  { name: "does not mix versions", source: `${fillKey}; ${key(44, 0, "set")}; ${key(44, 1, "get")}`, retval: EPROTO },
  {
    name: "knows older keys",
    source: `${fillKey}; ${key(24, 0, "set")}; ${key(8, 0, "get")}; r0 = *(u32 *)(r10 - 48)`,
    retval: 77,
  },
  { name: "refuses other sizes", source: `${fillKey}; ${key(20, 0, "set")}`, retval: EINVAL },
  { name: "refuses unknown flags", source: `${fillKey}; ${key(44, 32, "set")}`, retval: EINVAL },
  {
    name: "has no tunnel options",
    source: "r1 = r6; r2 = r10; r2 += -8; r3 = 8; call bpf_skb_get_tunnel_opt",
    retval: ENOENT,
  },
  {
    name: "sets no options without a key",
    source: "*(u64 *)(r10 - 8) = 0; r1 = r6; r2 = r10; r2 += -8; r3 = 8; call bpf_skb_set_tunnel_opt",
    retval: EINVAL,
  },
  {
    name: "reads options back",
    source: `${fillKey}; ${key(44, 0, "set")}; *(u64 *)(r10 - 8) = 7; r1 = r6; r2 = r10; r2 += -8; r3 = 8; call bpf_skb_set_tunnel_opt
      r1 = r6; r2 = r10; r2 += -16; r3 = 16; call bpf_skb_get_tunnel_opt`,
    retval: 8,
  },
];

/** The frame's IP checksum is at byte 24, TCP's at 50. */
const checksums: readonly ProgramCase[] = [
  {
    name: "replaces 2 bytes in a sum",
    source: call("l3_csum_replace", 24, 0x0100, 0x0200, 2),
    retval: 0,
    bytes: { 24: [0x26, 0xc5] },
  },
  {
    name: "replaces 4 bytes",
    source: call("l3_csum_replace", 24, 0x0100000a, 0x0900000a, 4),
    retval: 0,
    bytes: { 24: [0x26, 0xbe] },
  },
  {
    name: "takes the lower bytes of what is wider",
    source: call("l3_csum_replace", 24, 0x70100, 0x80200, 2),
    retval: 0,
    bytes: { 24: [0x26, 0xc5] },
  },
  {
    name: "adds a difference",
    source: call("l3_csum_replace", 24, 0, 0x0100, 0),
    retval: 0,
    bytes: { 24: [0x26, 0xc5] },
  },
  {
    name: "wants nothing to replace with a difference",
    source: call("l3_csum_replace", 24, 1, 0x0100, 0),
    retval: EINVAL,
  },
  { name: "replaces 2 or 4 bytes only", source: call("l3_csum_replace", 24, 1, 2, 3), retval: EINVAL },
  { name: "knows no other flags at layer 3", source: call("l3_csum_replace", 24, 1, 2, 2 | 16), retval: EINVAL },
  { name: "wants sums at even offsets", source: call("l3_csum_replace", 25, 1, 2, 2), retval: EFAULT },
  { name: "wants sums within the packet", source: call("l3_csum_replace", 60, 1, 2, 2), retval: EFAULT },
  { name: "wants sums within 64 KiB", source: call("l3_csum_replace", 0x10000, 1, 2, 2), retval: EFAULT },
  {
    name: "ends up with ffff rather than 0",
    source: call("l3_csum_replace", 24, 0, 0xc626, 0),
    retval: 0,
    bytes: { 24: [0, 0] },
  },
  {
    name: "replaces at layer 4",
    source: call("l4_csum_replace", 50, 0xe803, 0xe903, 2),
    retval: 0,
    bytes: { 50: [0x12, 0x33] },
  },
  {
    name: "replaces addresses of the pseudo header",
    source: call("l4_csum_replace", 50, 0x0100000a, 0x0200000a, 4 | 16),
    retval: 0,
    bytes: { 50: [0x12, 0x33] },
  },
  {
    name: "leaves a sum of 0 alone where it means none",
    source: after(
      "*(u16 *)(r10 - 2) = 0; r1 = r6; r2 = 50; r3 = r10; r3 += -2; r4 = 2; r5 = 0; call bpf_skb_store_bytes",
      call("l4_csum_replace", 50, 1, 2, 2 | 32),
    ),
    retval: 0,
    bytes: { 50: [0, 0] },
  },
  {
    name: "changes a sum of 0 where it is told to",
    source: after(
      "*(u16 *)(r10 - 2) = 0; r1 = r6; r2 = 50; r3 = r10; r3 += -2; r4 = 2; r5 = 0; call bpf_skb_store_bytes",
      call("l4_csum_replace", 50, 0x100, 0x200, 2 | 32 | 64),
    ),
    retval: 0,
    bytes: { 50: [0xff, 0xfe] },
  },
  {
    name: "writes ffff for a sum that comes out as 0",
    source: call("l4_csum_replace", 50, 0, 0x3412, 32),
    retval: 0,
    bytes: { 50: [0xff, 0xff] },
  },
  { name: "knows no other flags at layer 4", source: call("l4_csum_replace", 50, 1, 2, 2 | 256), retval: EINVAL },
];

const redirects: readonly ProgramCase[] = [
  { name: "redirects to a device", source: "r1 = 7; r2 = 0; call bpf_redirect", retval: 7 },
  { name: "redirects into a device", source: "r1 = 7; r2 = 1; call bpf_redirect", retval: 7 },
  { name: "drops a redirect with unknown flags", source: "r1 = 7; r2 = 2; call bpf_redirect", retval: 2 },
  { name: "redirects to a peer", source: "r1 = 7; r2 = 0; call bpf_redirect_peer", retval: 7 },
  { name: "redirects to a peer without flags", source: "r1 = 7; r2 = 1; call bpf_redirect_peer", retval: 2 },
  { name: "redirects to a neighbour", source: "r1 = 7; r2 = 0; r3 = 0; r4 = 0; call bpf_redirect_neigh", retval: 7 },
  {
    name: "wants whole neighbours",
    source: "*(u64 *)(r10 - 8) = 0; r1 = 7; r2 = r10; r2 += -8; r3 = 8; r4 = 0; call bpf_redirect_neigh",
    retval: 2,
  },
  { name: "clones to no unknown device", source: call("clone_redirect", 77, 0), retval: EINVAL },
  { name: "clones with no unknown flags", source: call("clone_redirect", 1, 2), retval: EINVAL },
];

const socket: readonly ProgramCase[] = [
  {
    name: "starts at the network header",
    source: field(0),
    retval: 46,
    bytes: { 0: new Array(14).fill(0), 14: [0x45] },
  },
  { name: "loads from there", source: load(12), retval: 0x0100000a, bytes: { 0: [0, 0] } },
  {
    name: "loads words with ld_abs, from network order",
    source: "r6 = r6; r0 = *(u32 *)skb[12]",
    retval: 0x0a000001,
    bytes: { 0: [0] },
  },
  { name: "loads half words", source: "r0 = *(u16 *)skb[22]", retval: 80, bytes: { 0: [0] } },
  { name: "loads bytes with ld_ind", source: "r7 = 4; r0 = *(u8 *)skb[r7 + 5]", retval: 6, bytes: { 0: [0] } },
  { name: "loads from the link layer", source: "r0 = *(u16 *)skb[-2097140]", retval: 0x0800, bytes: { 0: [0] } },
  { name: "loads from the network layer", source: "r0 = *(u8 *)skb[-1048567]", retval: 6, bytes: { 0: [0] } },
  {
    name: "returns 0 for loads beyond the packet",
    source: "r0 = *(u32 *)skb[43]; r0 = 5",
    retval: 0,
    bytes: { 0: [0] },
  },
];

/** The helpers and context fields of programs with a `__sk_buff`, with their corner cases. */
export function skbHelperContract(host: HostUnderTest): void {
  describe("a tc program's context", () => programCases(host, "sched_cls", fields));
  describe("a tc program's packet bytes", () => programCases(host, "sched_cls", bytes));
  describe("a tc program's packet room", () => programCases(host, "sched_cls", room));
  describe("a tc program's VLAN tags", () => programCases(host, "sched_cls", vlan));
  describe("a tc program's packet state", () => programCases(host, "sched_cls", state));
  describe("a tc program's tunnels", () => programCases(host, "sched_cls", tunnel));
  describe("a tc program's checksums", () => programCases(host, "sched_cls", checksums));
  describe("a tc program's redirects", () => programCases(host, "sched_cls", redirects));
  describe("a socket filter", () => programCases(host, "socket_filter", socket));
}
