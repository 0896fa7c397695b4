/** Numbers of rtnetlink that attaching needs. @see https://docs.kernel.org/userspace-api/netlink/intro.html */
export const NLM_F = {
  request: 1,
  ack: 4,
  root: 0x100,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

const HEADER_SIZE = 16;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/**
 * One attribute: length and type (u16 each), then the payload, padded to 4 bytes. A number is a u32, a string gets its
 * NUL, a list makes a nested attribute.
 */
export function attribute(type: number, payload: number | string | Uint8Array | readonly Uint8Array[]): Uint8Array {
  const nested = Array.isArray(payload);
  const bytes = nested ? join(payload as readonly Uint8Array[]) : payloadBytes(payload as number | string | Uint8Array);
  const whole = new Uint8Array((4 + bytes.length + 3) & ~3);
  const view = new DataView(whole.buffer);
  view.setUint16(0, 4 + bytes.length, true);
  view.setUint16(2, nested ? type | NLA_F_NESTED : type, true);
  whole.set(bytes, 4);
  return whole;
}

function payloadBytes(payload: number | string | Uint8Array): Uint8Array {
  if (typeof payload === "string") return new TextEncoder().encode(`${payload}\0`);
  if (payload instanceof Uint8Array) return payload;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, payload, true);
  return bytes;
}

/** A message: header, the family's fixed part, attributes. The kernel's port is 0. */
export function message(type: number, flags: number, sequence: number, body: readonly Uint8Array[]): Uint8Array {
  const bytes = join([new Uint8Array(HEADER_SIZE), ...body]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  return bytes;
}

/** A received message. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Splits one datagram into its messages. What is cut off is left out. */
export function* splitMessages(datagram: Uint8Array): IterableIterator<NetlinkMessage> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + HEADER_SIZE <= datagram.length; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_SIZE || at + length > datagram.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: datagram.subarray(at + HEADER_SIZE, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Attributes of a message's body from `offset` on, by type; of equal types the last counts. */
export function parseAttributes(bytes: Uint8Array, offset = 0): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = offset; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) break;
    attributes.set(view.getUint16(at + 2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return attributes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
