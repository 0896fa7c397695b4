/**
 * Bit fields as BTF numbers them: bit 0 is the lowest bit of the first byte on little-endian machines and the highest on
 * big-endian ones.
 */

/** Reads `count` bits from bit `bit` on, zero-extended. */
export function readBits(view: DataView, bit: number, count: number, littleEndian: boolean): bigint {
  let value = 0n;
  const first = Math.floor(bit / 8);
  const last = Math.floor((bit + count - 1) / 8);
  for (let at = first; at <= last; at++) {
    const byte = BigInt(view.getUint8(at));
    value = littleEndian ? value | (byte << BigInt((at - first) * 8)) : (value << 8n) | byte;
  }
  const below = littleEndian ? bit - first * 8 : (last + 1) * 8 - (bit + count);
  return BigInt.asUintN(count, value >> BigInt(below));
}

/** As {@link readBits} for up to 32 bits that lie within 6 bytes, without a bigint. */
export function readFewBits(view: DataView, bit: number, count: number, littleEndian: boolean): number {
  let value = 0;
  const first = Math.floor(bit / 8);
  const last = Math.floor((bit + count - 1) / 8);
  for (let i = last - first; i >= 0; i--) value = value * 256 + view.getUint8(littleEndian ? first + i : last - i);
  const below = littleEndian ? bit - first * 8 : (last + 1) * 8 - (bit + count);
  return Math.floor(value / 2 ** below) % 2 ** count;
}

/** Writes the low `count` bits of `value` and leaves the bits around them. */
export function writeBits(view: DataView, bit: number, count: number, littleEndian: boolean, value: bigint): void {
  const first = Math.floor(bit / 8);
  const last = Math.floor((bit + count - 1) / 8);
  const below = littleEndian ? bit - first * 8 : (last + 1) * 8 - (bit + count);
  const mask = ((1n << BigInt(count)) - 1n) << BigInt(below);
  const bits = (value << BigInt(below)) & mask;
  for (let at = first; at <= last; at++) {
    const shift = BigInt((littleEndian ? at - first : last - at) * 8);
    const kept = view.getUint8(at) & ~Number((mask >> shift) & 0xffn);
    view.setUint8(at, kept | Number((bits >> shift) & 0xffn));
  }
}
