import { describe, expect } from "vitest";
import { BPF_F_XDP_HAS_FRAGS } from "../../abi/index.js";
import type { HostUnderTest } from "./host-under-test.js";
import { type ProgramCase, programCases } from "./program-case.js";

const EFAULT = -14;
const EACCES = -13;
const EINVAL = -22;

const jumbo = Uint8Array.from({ length: 9000 }, (_, at) => at % 251);

/** A `struct xdp_md` of the given words. */
function xdpMd(...words: number[]): Uint8Array {
  const bytes = new Uint8Array(24);
  words.forEach((word, index) => {
    new DataView(bytes.buffer).setUint32(index * 4, word, true);
  });
  return bytes;
}

const moveHead = (delta: number) => `r1 = r6; r2 = ${delta}; call bpf_xdp_adjust_head`;
const moveMeta = (delta: number) => `r1 = r6; r2 = ${delta}; call bpf_xdp_adjust_meta`;
const moveTail = (delta: number) => `r1 = r6; r2 = ${delta}; call bpf_xdp_adjust_tail`;
/** Leaves the 4 bytes at `offset` in r0, or the errno. */
const loadBytes = (offset: number) => `
  r1 = r6; r2 = ${offset}; r3 = r10; r3 += -8; r4 = 4
  call bpf_xdp_load_bytes
  if r0 != 0 goto 1f
  r0 = *(u32 *)(r10 - 8)
1:`;
const storeBytes = (offset: number) => `
  *(u32 *)(r10 - 8) = 0x01020304
  r1 = r6; r2 = ${offset}; r3 = r10; r3 += -8; r4 = 4
  call bpf_xdp_store_bytes`;

const cases: readonly ProgramCase[] = [
  { name: "moves the head into the headroom up to struct xdp_frame", source: moveHead(-216), retval: 0, length: 276 },
  { name: "does not move it further", source: moveHead(-217), retval: EINVAL },
  { name: "moves the head up to the last 14 bytes", source: moveHead(46), retval: 0, length: 14 },
  { name: "keeps 14 bytes behind the head", source: moveHead(47), retval: EINVAL },
  { name: "makes room for metadata", source: moveMeta(-4), retval: 0, length: 64, bytes: { 0: [0, 0, 0, 0, 2, 0] } },
  { name: "wants metadata in words", source: moveMeta(-3), retval: EACCES },
  { name: "has room for 216 bytes of metadata", source: moveMeta(-216), retval: 0, length: 276 },
  { name: "has no room for more", source: moveMeta(-220), retval: EINVAL },
  { name: "takes no metadata from the packet", source: moveMeta(4), retval: EINVAL },
  { name: "takes 252 bytes of metadata", source: `${moveHead(46)}; ${moveMeta(-252)}`, retval: 0, length: 266 },
  { name: "takes no 256", source: `${moveHead(46)}; ${moveMeta(-256)}`, retval: EACCES, length: 14 },
  {
    name: "moves metadata with the head",
    source: `${moveMeta(-4)}
      r1 = *(u32 *)(r6 + 8); r2 = *(u32 *)(r6 + 0); r3 = r1; r3 += 4
      if r3 > r2 goto 2f
      *(u32 *)(r1 + 0) = 0x0a0b0c0d
    2: ${moveHead(-6)}`,
    retval: 0,
    length: 70,
    bytes: { 0: [0x0d, 0x0c, 0x0b, 0x0a], 10: [2, 0, 0, 0, 0, 2] },
  },
  { name: "moves the tail down to 14 bytes", source: moveTail(-46), retval: 0, length: 14 },
  { name: "keeps 14 bytes before the tail", source: moveTail(-47), retval: EINVAL },
  {
    name: "grows to the frame's end, with zeros",
    source: moveTail(3460),
    retval: 0,
    length: 3520,
    bytes: { 58: [5, 6, 0] },
  },
  { name: "grows no further", source: moveTail(3461), retval: EINVAL },
  {
    name: "zeroes what the tail gains anew",
    source: `${moveTail(-20)}; ${moveTail(20)}`,
    retval: 0,
    bytes: { 36: [0, 80, 0, 0, 0, 0, 0] },
  },
  { name: "tells the packet's length", source: "call bpf_xdp_get_buff_len", retval: 60 },
  { name: "loads bytes", source: loadBytes(54), retval: 0x04030201 },
  { name: "loads none beyond the packet", source: loadBytes(57), retval: EINVAL },
  { name: "loads none beyond 64 KiB", source: loadBytes(0x10000), retval: EFAULT },
  { name: "stores bytes", source: storeBytes(56), retval: 0, bytes: { 54: [1, 2, 4, 3, 2, 1] } },
  { name: "stores none beyond the packet", source: storeBytes(57), retval: EINVAL },
  { name: "redirects to a device", source: "r1 = 7; r2 = 0; call bpf_redirect", retval: 4 },
  { name: "aborts a redirect with flags", source: "r1 = 7; r2 = 1; call bpf_redirect", retval: 0 },
  { name: "looks at all 64 bits of the flags", source: "r1 = 7; r2 = 0x100000000 ll; call bpf_redirect", retval: 0 },
  { name: "comes from the loopback device", source: "r0 = *(u32 *)(r6 + 12)", retval: 1 },
  {
    name: "sees 3520 bytes of a large packet",
    source: "r0 = *(u32 *)(r6 + 4); r1 = *(u32 *)(r6 + 0); r0 -= r1",
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: 3520,
  },
  {
    name: "counts fragments",
    source: "call bpf_xdp_get_buff_len",
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: 9000,
  },
  {
    name: "loads across the end of the frame",
    source: loadBytes(3518),
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: ((3521 % 251) << 24) | ((3520 % 251) << 16) | ((3519 % 251) << 8) | (3518 % 251),
  },
  {
    name: "stores across the end of the frame",
    source: storeBytes(3518),
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: 0,
    bytes: { 3517: [3517 % 251, 4, 3, 2, 1, 3522 % 251] },
  },
  {
    name: "grows the last fragment to its page's end",
    source: moveTail(2 * 4096 - (9000 - 3520)),
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: 0,
    length: 3520 + 2 * 4096,
  },
  {
    name: "adds no fragment",
    source: moveTail(2 * 4096 - (9000 - 3520) + 1),
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: EINVAL,
  },
  {
    name: "drops fragments from the tail",
    source: moveTail(-(9000 - 3000)),
    data: jumbo,
    flags: BPF_F_XDP_HAS_FRAGS,
    retval: 0,
    length: 3000,
  },
  {
    name: "takes metadata with the packet",
    source: "r0 = *(u32 *)(r6 + 0); r1 = *(u32 *)(r6 + 8); r0 -= r1",
    context: xdpMd(8, 60),
    retval: 8,
    check: ({ context }) => expect(context).toEqual(xdpMd(8, 60)),
  },
  {
    name: "gives the context back with what moved",
    source: `${moveMeta(-4)}; ${moveTail(-10)}`,
    context: xdpMd(0, 60, 0, 1),
    retval: 0,
    length: 54,
    check: ({ context }) => expect(context).toEqual(xdpMd(4, 54, 0, 1)),
  },
];

/** The helpers that only XDP programs have, with their corner cases. */
export function xdpHelperContract(host: HostUnderTest): void {
  describe("an XDP program", () => programCases(host, "xdp", cases));
}
