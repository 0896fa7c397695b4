import type { Analysis } from "./analysis.js";
import { ID, isConstant, OBJECT, OFF, registerAt, TYPE, VALUE } from "./domain/register.js";
import { findField } from "./map-fields.js";
import { mapIn } from "./map-values.js";
import { MAP_VALUE } from "./pointer-types.js";
import type { Walk } from "./walk.js";

/** bpf_spin_lock() and bpf_spin_unlock(): one lock at a time, given back on every path. */
export function lockOrUnlock(walk: Walk, register: number, locks: boolean): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (!isConstant(records, at)) {
    analysis.invalid(
      "lock",
      `R${register} doesn't have constant offset. bpf_spin_lock has to be at the constant offset`,
    );
  }
  if (records[at + TYPE] !== MAP_VALUE) analysis.notModelled("spin locks in allocated objects");
  const map = mapIn(walk, register);
  if (map.btf === undefined) {
    analysis.invalid("lock", `map '${map.name}' has to have BTF in order to use bpf_spin_lock`);
  }
  const field = findField(analysis, map, "spin_lock");
  if (field === undefined) {
    analysis.invalid("lock", `map '${map.name}' has no valid bpf_spin_lock`);
  }
  const offset = records[at + OFF]! + records[at + VALUE]!;
  if (offset !== field.offset) {
    analysis.invalid("lock", `off ${offset} doesn't point to 'struct bpf_spin_lock' that is at ${field.offset}`);
  }
  const id = records[at + ID]!;
  const object = records[at + OBJECT]!;
  if (locks) takeLock(walk, id, object);
  else giveLock(walk, id, object);
}

function takeLock(walk: Walk, id: number, object: number): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  if (state.references.some((reference) => reference.kind === "lock")) {
    analysis.invalid("lock", "Locking two bpf_spin_locks are not allowed");
  }
  state.references = [...state.references, { kind: "lock", id, slot: analysis.slot, object }];
  state.locks++;
  state.lockId = id;
  state.lockObject = object;
}

function giveLock(walk: Walk, id: number, object: number): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  if (state.locks === 0) analysis.invalid("lock", "bpf_spin_unlock without taking a lock");
  const index = state.references.findIndex(
    (reference) => reference.kind === "lock" && reference.id === id && reference.object === object,
  );
  if (index < 0) analysis.invalid("lock", "bpf_spin_unlock of different lock");
  if (id !== state.lockId || object !== state.lockObject) {
    analysis.invalid("lock", "bpf_spin_unlock cannot be out of order");
  }
  state.references = state.references.filter((_, i) => i !== index);
  state.locks--;
  const previous = state.references.findLast((reference) => reference.kind !== "object" && reference.kind !== "irq");
  state.lockId = previous?.id ?? 0;
  state.lockObject = previous?.object ?? 0;
}
