import type { MapType } from "../abi/index.js";
import { keyShape } from "./core/key.js";
import { PREFIX_LENGTH_BYTES } from "./core/trie-key.js";
import type { MapCoreExports } from "./map-core.js";

/** The map core's `(map, key) => address` functions. */
export type LookupFunction = {
  [Name in keyof MapCoreExports]: MapCoreExports[Name] extends (map: number, key: number) => number ? Name : never;
}[keyof MapCoreExports];

const byType: Partial<Record<MapType, (keySize: number) => LookupFunction>> = {
  array: () => "array_lookup",
  percpu_array: () => "percpu_array_lookup",
  array_of_maps: () => "array_of_maps_lookup",
  devmap: () => "redirect_array_lookup",
  cpumap: () => "redirect_array_lookup",
  xskmap: () => "redirect_array_lookup",
  hash: (size) => `hash_lookup_${keyShape(size)}`,
  devmap_hash: (size) => `hash_lookup_${keyShape(size)}`,
  hash_of_maps: (size) => `hash_of_maps_lookup_${keyShape(size)}`,
  percpu_hash: (size) => `percpu_hash_lookup_${keyShape(size)}`,
  lru_hash: (size) => `lru_lookup_${keyShape(size)}`,
  lru_percpu_hash: (size) => `lru_percpu_lookup_${keyShape(size)}`,
  lpm_trie: (size) =>
    size === PREFIX_LENGTH_BYTES + 4
      ? "trie_lookup_4"
      : size === PREFIX_LENGTH_BYTES + 16
        ? "trie_lookup_16"
        : "trie_lookup_any",
};

/**
 * The map core's function that is bpf_map_lookup_elem() for maps of this type and key size, for callers that know both:
 * it spares the choice by type that `lookup` makes. Undefined for types that programs don't look into, and for those of
 * sockets, where the core's entry is not what programs get.
 */
export function lookupFunction(type: MapType, keySize: number): LookupFunction | undefined {
  return byType[type]?.(keySize);
}
