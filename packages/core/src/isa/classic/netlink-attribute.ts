// Netlink attributes: a u16 length (of header and payload), a u16 type with flags in its upper two bits, the payload,
// and padding to 4 bytes; in the byte order of the machine, which is little-endian here.
// @see https://docs.kernel.org/userspace-api/netlink/intro.html

const HEADER_SIZE = 4;
const TYPE_MASK = 0x3fff;

const readU16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

/** Offset of the first attribute of `type` in `message` from `start` on; 0 where there is none. */
export function findAttribute(message: Uint8Array, start: number, type: number): number {
  return start <= message.length - HEADER_SIZE ? search(message, start, message.length, type) : 0;
}

/** Offset of the first attribute of `type` within the attribute at `start`; 0 where there is none. */
export function findNestedAttribute(message: Uint8Array, start: number, type: number): number {
  if (start > message.length - HEADER_SIZE) return 0;
  const length = readU16(message, start);
  if (length < HEADER_SIZE || start + length > message.length) return 0;
  return search(message, start + HEADER_SIZE, start + length, type);
}

function search(message: Uint8Array, start: number, end: number, type: number): number {
  for (let at = start; end - at >= HEADER_SIZE; ) {
    const length = readU16(message, at);
    if (length < HEADER_SIZE || at + length > end) return 0;
    if ((readU16(message, at + 2) & TYPE_MASK) === type) return at;
    at += (length + 3) & ~3;
  }
  return 0;
}
