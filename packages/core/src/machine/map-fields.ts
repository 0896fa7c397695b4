import type { Btf, TypeId } from "../btf/index.js";
import type { ValueField } from "../maps/index.js";
import { type MapFieldKind, structFieldsOf } from "../verifier/index.js";

/** Fields that copies of a value leave alone, by what the verifier calls them. */
const kinds: Readonly<Partial<Record<MapFieldKind, ValueField["kind"]>>> = {
  spin_lock: "spin_lock",
  res_spin_lock: "spin_lock",
  timer: "timer",
  workqueue: "workqueue",
  list_head: "list_head",
  list_node: "list_node",
  rb_root: "rb_root",
  rb_node: "rb_node",
  refcount: "refcount",
  kptr_unref: "kptr",
  kptr_ref: "kptr",
  kptr_percpu: "kptr",
  uptr: "kptr",
};

/** The special fields of a value type: locks, timers, kernel pointers ..., by offset. */
export function specialFields(btf: Btf | undefined, typeId: TypeId): ValueField[] {
  if (btf === undefined || typeId === 0) return [];
  return structFieldsOf(btf, typeId).flatMap(({ kind, offset, size }) => {
    const known = kinds[kind];
    return known === undefined ? [] : [{ kind: known, offset, size }];
  });
}
