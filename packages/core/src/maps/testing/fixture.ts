import { errnoName } from "../../abi/index.js";
import { LinearMemory } from "../../wasm/index.js";
import { createMap, type LiveMap, type MapAttributes, MapCore } from "../index.js";

/** A core with two CPUs and fixed seeds, as the machine that recorded the kernel's answers has. */
export function newCore(cpus = 2): MapCore {
  let seed = 1;
  return new MapCore({ memory: new LinearMemory(), cpus, seed: () => seed++ * 0x9e3779b1 });
}

export function newMap(attributes: MapAttributes, core = newCore()): LiveMap {
  return createMap(core, attributes);
}

/** Little-endian u32s. */
export function u32(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

/** An IPv4 prefix as a key of an LPM trie. */
export function prefix(text: string): Uint8Array {
  const [address, length] = text.split("/") as [string, string];
  return new Uint8Array([...u32(Number(length)), ...address.split(".").map(Number)]);
}

/** `"ok"` or the errno's name. */
export function errorName(result: number): string {
  return result === 0 ? "ok" : errnoName(-result);
}

/** All keys, in the map's order. */
export function keysOf(map: LiveMap): Uint8Array[] {
  const keys: Uint8Array[] = [];
  const next = new Uint8Array(map.keySize);
  for (let key: Uint8Array | undefined; map.nextKey(key, next) === 0; ) {
    key = next.slice();
    keys.push(key);
  }
  return keys;
}
