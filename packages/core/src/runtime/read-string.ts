import type { Runtime } from "./runtime.js";

/**
 * Bytes up to a NUL or to `limit`, without it; undefined where the program may not read them all. Reading stops at the
 * NUL, so a short string at the end of a region is fine.
 */
export function readString(runtime: Runtime, address: number, limit: number): Uint8Array | undefined {
  let length = 0;
  while (length < limit) {
    if (!runtime.accessible(address + length, 1, false)) return undefined;
    if (runtime.memory.u8[address + length] === 0) break;
    length++;
  }
  return runtime.memory.copy(address, length);
}
