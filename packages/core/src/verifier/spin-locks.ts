import type { Analysis } from "./analysis.js";
import { ID, isConstant, OFF, registerAt, TYPE, VALUE } from "./domain/register.js";
import { fieldsBehind, forgetNonOwning, lockOwner } from "./graph-objects.js";
import { mapIn } from "./map-values.js";
import { KIND, MAP_VALUE } from "./pointer-types.js";
import type { Reference } from "./state.js";
import type { Walk } from "./walk.js";

export type LockKind = Extract<Reference["kind"], "lock" | "resilient_lock" | "resilient_lock_irq">;

/** Takes or gives back the lock that a register points to, in a map's value or an object of the program's. */
export function lockOrUnlock(walk: Walk, register: number, kind: LockKind, locks: boolean): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const name = kind === "lock" ? "bpf_spin" : "bpf_res_spin";
  if (!isConstant(records, at)) {
    const message = `R${register} doesn't have constant offset. ${name}_lock has to be at the constant offset`;
    analysis.invalid("lock", message);
  }
  const map = (records[at + TYPE]! & KIND) === MAP_VALUE ? mapIn(walk, register) : undefined;
  if (map !== undefined && map.btf === undefined) {
    analysis.invalid("lock", `map '${map.name}' has to have BTF in order to use ${name}_lock`);
  }
  const wanted = kind === "lock" ? "spin_lock" : "res_spin_lock";
  const field = fieldsBehind(analysis, records, at).find((candidate) => candidate.kind === wanted);
  if (field === undefined) {
    const owner = map === undefined ? "local 'kptr'" : `map '${map.name}'`;
    analysis.invalid("lock", `${owner} has no valid ${name}_lock`);
  }
  const offset = records[at + OFF]! + records[at + VALUE]!;
  if (offset !== field.offset) {
    analysis.invalid("lock", `off ${offset} doesn't point to 'struct ${name}_lock' that is at ${field.offset}`);
  }
  const id = records[at + ID]!;
  const owner = lockOwner(records, at);
  if (locks) takeLock(walk, kind, id, owner);
  else giveLock(walk, kind, name, id, owner);
}

function takeLock(walk: Walk, kind: LockKind, id: number, object: number): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  const held = state.references;
  if (kind === "lock" && held.some((reference) => reference.kind === "lock")) {
    analysis.invalid("lock", "Locking two bpf_spin_locks are not allowed");
  }
  const again = held.some(
    (reference) => reference.kind.startsWith("resilient") && reference.id === id && reference.object === object,
  );
  if (kind !== "lock" && again) {
    analysis.invalid("lock", "Acquiring the same lock again, AA deadlock detected");
  }
  state.references = [...held, { kind, id, slot: analysis.slot, object }];
  state.locks++;
  state.lockId = id;
  state.lockObject = object;
}

function giveLock(walk: Walk, kind: LockKind, name: string, id: number, object: number): void {
  const analysis: Analysis = walk.analysis;
  const { state } = analysis;
  if (state.locks === 0) analysis.invalid("lock", `${name}_unlock without taking a lock`);
  const index = state.references.findIndex(
    (reference) => reference.kind === kind && reference.id === id && reference.object === object,
  );
  if (index < 0) analysis.invalid("lock", `${name}_unlock of different lock`);
  if (id !== state.lockId || object !== state.lockObject) {
    analysis.invalid("lock", `${name}_unlock cannot be out of order`);
  }
  const previous = state.references
    .slice(0, index)
    .findLast((reference) => reference.kind !== "object" && reference.kind !== "irq");
  state.references = state.references.filter((_, i) => i !== index);
  state.locks--;
  state.lockId = previous?.id ?? 0;
  state.lockObject = previous?.object ?? 0;
  forgetNonOwning(analysis, state);
}
