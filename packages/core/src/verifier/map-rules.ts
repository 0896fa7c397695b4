import { EBUSY, EPERM, mapTypeName } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import type { VerifierMap } from "./input.js";
import { findField, type MapFieldKind } from "./map-fields.js";

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

/** Fields that programs which interrupt anything cannot work on, by what the kernel's message calls them. */
const untraceable: readonly (readonly [string, readonly MapFieldKind[]])[] = [
  ["bpf_{list_head,rb_root}", ["list_head", "rb_root"]],
  ["bpf_spin_lock", ["spin_lock", "res_spin_lock"]],
  ["bpf_timer", ["timer"]],
  ["bpf_wq", ["workqueue"]],
];

function checkFields(analysis: Analysis, map: VerifierMap): void {
  const has = (kinds: readonly MapFieldKind[]) => kinds.some((kind) => findField(analysis, map, kind) !== undefined);
  const interrupts = analysis.rules.tracing === true;
  if (!interrupts && analysis.type !== "socket_filter") return;
  for (const [name, kinds] of untraceable) {
    if (!has(kinds)) continue;
    if (interrupts) analysis.invalid("map", `tracing progs cannot use ${name} yet`);
    if (name === "bpf_spin_lock") analysis.invalid("map", "socket filter progs cannot use bpf_spin_lock yet");
  }
}

/** May a program of this type refer to the map at all? */
export function checkMapForProgram(analysis: Analysis, map: VerifierMap): void {
  const type = mapTypeName(map.type);
  checkFields(analysis, map);
  if (type === "struct_ops") analysis.invalid("map", "bpf_struct_ops map cannot be used in prog");
  if (analysis.sleepable && (type === undefined || !sleepableMaps.has(type))) {
    analysis.invalid("map", "Sleepable programs can only use array, hash, ringbuf and local storage maps");
  }
  const isStorage = type === "cgroup_storage" || type === "percpu_cgroup_storage";
  if (isStorage && analysis.maps.some((other) => other.type === map.type)) {
    analysis.reject("map", EBUSY, "only one cgroup storage of each type is allowed");
  }
  if (type === "arena") checkArena(analysis, map);
}

function checkArena(analysis: Analysis, map: VerifierMap): void {
  if (analysis.maps.some((other) => other.type === map.type)) {
    analysis.reject("map", EBUSY, "Only one arena per program");
  }
  if (!analysis.hasPerfmon || !analysis.hasBpf) {
    analysis.reject("permission", EPERM, "CAP_BPF and CAP_PERFMON are required to use arena");
  }
}
