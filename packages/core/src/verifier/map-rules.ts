import { mapTypeName } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import type { VerifierMap } from "./input.js";

const sleepableMaps: ReadonlySet<string> = new Set([
  "hash",
  "lru_hash",
  "array",
  "percpu_hash",
  "percpu_array",
  "lru_percpu_hash",
  "array_of_maps",
  "hash_of_maps",
  "ringbuf",
  "user_ringbuf",
  "inode_storage",
  "sk_storage",
  "task_storage",
  "cgrp_storage",
  "queue",
  "stack",
  "arena",
]);

/** May a program of this type refer to the map at all? */
export function checkMapForProgram(analysis: Analysis, map: VerifierMap): void {
  const type = mapTypeName(map.type);
  if (type === "struct_ops") analysis.invalid("map", "bpf_struct_ops map cannot be used in prog");
  if (analysis.sleepable && (type === undefined || !sleepableMaps.has(type))) {
    analysis.invalid("map", "Sleepable programs can only use array, hash, ringbuf and local storage maps");
  }
  if (type === "arena" && analysis.maps.some((other) => other.type === map.type)) {
    analysis.invalid("map", "Only one arena per program");
  }
}
