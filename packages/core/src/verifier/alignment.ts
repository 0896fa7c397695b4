import type { Analysis } from "./analysis.js";
import { MASK, OFF, registerAt, TYPE, VALUE } from "./domain/register.js";
import {
  ARENA,
  CTX,
  FLOW_KEYS,
  MAP_KEY,
  MAP_VALUE,
  PACKET,
  PACKET_META,
  SOCK_COMMON,
  SOCKET,
  STACK,
  TCP_SOCK,
  XDP_SOCK,
} from "./pointer-types.js";
import { printTnum } from "./print-state.js";

const names: Readonly<Record<number, string>> = {
  [FLOW_KEYS]: "flow keys ",
  [MAP_KEY]: "key ",
  [MAP_VALUE]: "value ",
  [CTX]: "context ",
  [STACK]: "stack ",
  [SOCKET]: "sock ",
  [SOCK_COMMON]: "sock_common ",
  [TCP_SOCK]: "tcp_sock ",
  [XDP_SOCK]: "xdp_sock ",
};

/** Bytes that the packet's headers are shifted by, so that the IP header is aligned (`NET_IP_ALIGN`). */
const IP_ALIGN = 2;

/** Is the sum of the tristate number and `offset` a multiple of `size` (1, 2, 4, 8) for sure? */
function isAligned(r: Int32Array, at: number, offset: number, size: number): boolean {
  const mask = size - 1;
  const unknown = r[at + MASK]! & mask;
  // Unknown low bits stay unknown in any sum.
  return unknown === 0 && ((r[at + VALUE]! + offset) & mask) === 0;
}

/** Checks an access's alignment; on x86-64 it matters for the stack, for atomics, and where the program asked for it. */
export function checkAlignment(
  analysis: Analysis,
  register: number,
  offset: number,
  size: number,
  strictOnce: boolean,
): void {
  const r = analysis.frame.records;
  const at = registerAt(register);
  const type = r[at + TYPE]!;
  const strict = analysis.strictAlignment || strictOnce || type === STACK;
  if (!strict || size === 1 || type === ARENA) return;
  const off = r[at + OFF]!;
  if (type === PACKET || type === PACKET_META) {
    if (isAligned(r, at, IP_ALIGN + off + offset, size)) return;
    analysis.deny(
      "alignment",
      `misaligned packet access off ${IP_ALIGN}+${printTnum(r, at)}+${off}+${offset} size ${size}`,
    );
  }
  if (isAligned(r, at, off + offset, size)) return;
  analysis.deny(
    "alignment",
    `misaligned ${names[type] ?? ""}access off ${printTnum(r, at)}+${off}+${offset} size ${size}`,
  );
}
