import type { LinearMemory } from "../wasm/index.js";

/** Bytes up to which a loop is quicker than the typed arrays' own copying. */
const FEW = 32;

/** Copies `length` bytes of `from` at `offset` to an address. */
export function writeBytes(
  memory: LinearMemory,
  address: number,
  from: Uint8Array,
  offset = 0,
  length = from.length,
): void {
  const to = memory.u8;
  if (length > FEW)
    to.set(offset === 0 && length === from.length ? from : from.subarray(offset, offset + length), address);
  else for (let at = 0; at < length; at++) to[address + at] = from[offset + at]!;
}

/** Copies `length` bytes from an address to `to` at `offset`. */
export function readBytes(memory: LinearMemory, address: number, to: Uint8Array, offset: number, length: number): void {
  const from = memory.u8;
  if (length > FEW) to.set(from.subarray(address, address + length), offset);
  else for (let at = 0; at < length; at++) to[offset + at] = from[address + at]!;
}
