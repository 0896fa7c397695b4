import { EPERM, structOpsRules } from "../abi/index.js";
import { findMember, resolve, type TypeId } from "../btf/index.js";
import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { AUX, ID, isConstant, OBJECT, registerAt, TYPE, VALUE } from "./domain/register.js";
import { structFieldsOf } from "./map-fields.js";
import type { MemoryAccess } from "./memory-access.js";
import { isTrusted } from "./nullness.js";
import {
  ALLOCATED,
  BTF_ID,
  MAYBE_NULL,
  MEM,
  NON_OWNING,
  PERCPU,
  RCU,
  READ_ONLY,
  TRUSTED,
  UNTRUSTED,
  USER_MEM,
} from "./pointer-types.js";
import { printTnum } from "./print-state.js";
import { setPointer, setUnknownScalar } from "./registers.js";
import { type StructPlace, walkStruct } from "./struct-walk.js";
import type { Walk } from "./walk.js";

/** Within an RCU read-side section: marked by the program, or around every program that can't sleep. */
export function inRcuSection({ state }: Analysis): boolean {
  return state.rcuLocks > 0 || state.locks > 0 || !state.sleepable;
}

/** An access to an object whose type BTF tells. `offset` counts from the object's start. */
export function accessBtfObject(walk: Walk, access: MemoryAccess, offset: number): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(access.register);
  checkTypedPointer(analysis, access, offset);
  const type = records[at + TYPE]!;
  if (access.write && (type & ALLOCATED) === 0) {
    writeKernelObject(analysis, access, offset);
    return;
  }
  if (access.write && (type & UNTRUSTED) !== 0) analysis.deny("memory_access", "only read is supported");
  const allocated = (type & ALLOCATED) !== 0;
  if (allocated) checkSpecialFields(analysis, access, offset);
  const object = records[at + OBJECT]!;
  const place = walkStruct(analysis, analysis.typesOf(object), records[at + AUX]!, offset, access.size);
  if (access.write || access.value < 0) return;
  // In the program's own objects, pointers are numbers: nobody vouches for them.
  if (allocated && place.kind === "pointer") setUnknownScalar(analysis, records, registerAt(access.value));
  else setLoaded(analysis, access.value, object, place, flagsOfLoad(analysis, at, place));
}

function checkTypedPointer(analysis: Analysis, { register }: MemoryAccess, offset: number): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  const object = records[at + OBJECT]!;
  const name = analysis.typeNameOf(object, records[at + AUX]!);
  if (analysis.hidesPointers()) {
    analysis.reject("permission", EPERM, `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  }
  if (!analysis.gpl && object === KERNEL_TYPES) {
    analysis.invalid("permission", `Cannot access kernel 'struct ${name}' from non-GPL compatible program`);
  }
  if (offset < 0) {
    analysis.deny("memory_access", `R${register} is ptr_${name} invalid negative access: off=${offset}`);
  }
  if (!isConstant(records, at) || (records[at + VALUE]! | records[at + VALUE + 1]!) !== 0) {
    analysis.deny(
      "memory_access",
      `R${register} is ptr_${name} invalid variable offset: off=${offset}, var_off=${printTnum(records, at)}`,
    );
  }
  if ((type & USER_MEM) !== 0) {
    analysis.deny("memory_access", `R${register} is ptr_${name} access user memory: off=${offset}`);
  }
  if ((type & PERCPU) !== 0) {
    analysis.deny("memory_access", `R${register} is ptr_${name} access percpu memory: off=${offset}`);
  }
}

/** Fields that the kernel looks after are for helpers and kernel functions. */
function checkSpecialFields(analysis: Analysis, { register, size }: MemoryAccess, offset: number): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  for (const field of structFieldsOf(analysis.typesOf(records[at + OBJECT]!), records[at + AUX]!)) {
    if (offset < field.offset + field.size && field.offset < offset + size) {
      analysis.deny("memory_access", `direct access to ${field.name} is disallowed`);
    }
  }
}

/** The kernel's objects are read-only, but for some members in some programs. */
function writeKernelObject(analysis: Analysis, access: MemoryAccess, offset: number): void {
  const { target, type } = analysis;
  if (type === "xdp" || type === "sched_cls" || type === "sched_act") {
    analysis.notModelled("a write to a kernel object in a networking program");
  }
  const rules = target?.member === undefined ? undefined : structOpsRules[target.member.struct];
  if (rules === undefined) analysis.deny("memory_access", "only read is supported");
  const { records } = analysis.frame;
  const at = registerAt(access.register);
  const types = analysis.typesOf(records[at + OBJECT]!);
  const struct = analysis.typeNameOf(records[at + OBJECT]!, records[at + AUX]!);
  if (struct !== rules.writes?.struct) analysis.deny("memory_access", rules.refusal);
  const { size } = access;
  if (rules.writes.members === undefined) {
    if (offset + size > (types.size(records[at + AUX]!) ?? 0)) {
      analysis.deny("memory_access", `write access at off ${offset} with size ${size}`);
    }
    return;
  }
  for (const path of rules.writes.members) {
    const place = findMember(types, records[at + AUX]!, path);
    if (place === undefined) continue;
    const start = place.bitOffset / 8;
    const end = start + (types.size(place.type) ?? 0);
    const isArray = types.type(resolve(types, place.type)).kind === "array";
    if (offset !== start && !(isArray && offset >= start && offset < end)) continue;
    if (offset + size <= end) return;
    analysis.deny(
      "memory_access",
      `write access at off ${offset} with size ${size} beyond the member of ${struct} ended at ${end}`,
    );
  }
  analysis.deny("memory_access", `no write support to ${struct} at off ${offset}`);
}

/** How far a pointer that was found in an object can be relied on. */
function flagsOfLoad(analysis: Analysis, at: number, place: StructPlace): number {
  if (place.kind !== "pointer") return 0;
  const { records } = analysis.frame;
  const type = records[at + TYPE]!;
  if ((type & UNTRUSTED) !== 0) return UNTRUSTED;
  if (!isTrusted(records, at) && (type & RCU) === 0) return place.flags & ~(TRUSTED | ALLOCATED | RCU);
  const listed = (suffix: string) => isListed(analysis, at, place, suffix);
  if (listed("__safe_trusted")) return place.flags | TRUSTED;
  if (listed("__safe_trusted_or_null")) return place.flags | TRUSTED | MAYBE_NULL;
  if (!inRcuSection(analysis) || (type & MAYBE_NULL) !== 0) return UNTRUSTED;
  if (listed("__safe_rcu")) return place.flags | RCU;
  const listedOrNull = listed("__safe_rcu_or_null");
  if ((place.flags & RCU) !== 0 || listedOrNull) {
    return ((listedOrNull ? place.flags & ~UNTRUSTED : place.flags) | RCU | MAYBE_NULL) >>> 0;
  }
  if ((place.flags & (PERCPU | USER_MEM)) !== 0) return place.flags;
  return place.flags & ~(TRUSTED | ALLOCATED | RCU);
}

/** The kernel's types list members that can be trusted as much as the object: in a struct of its name and a suffix. */
function isListed(
  analysis: Analysis,
  at: number,
  place: Extract<StructPlace, { kind: "pointer" }>,
  suffix: string,
): boolean {
  const { records } = analysis.frame;
  const types = analysis.typesOf(records[at + OBJECT]!);
  const struct = analysis.typeNameOf(records[at + OBJECT]!, records[at + AUX]!);
  const [id] = types.find(`${struct}${suffix}`, "struct");
  const list = id === undefined ? undefined : types.type(id);
  if (list?.kind !== "struct") return false;
  return list.members.some((member) => {
    const type = types.type(member.type);
    return type.kind === "ptr" && member.name === place.member && resolve(types, type.type) === place.typeId;
  });
}

/** Makes a register what a load from an object found. */
export function setLoaded(
  analysis: Analysis,
  register: number,
  object: number,
  place: StructPlace,
  flags: number,
): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  switch (place.kind) {
    case "pointer":
      setTypedPointer(analysis, records, at, object, place.typeId, flags);
      return;
    case "memory":
      setPointer(records, at, MEM | READ_ONLY | UNTRUSTED);
      return;
    default:
      setUnknownScalar(analysis, records, at);
  }
}

/** A pointer to an object of a type. */
export function setTypedPointer(
  analysis: Analysis,
  r: Int32Array,
  at: number,
  object: number,
  typeId: TypeId,
  flags: number,
): void {
  setPointer(r, at, BTF_ID | flags);
  r[at + OBJECT] = object;
  r[at + AUX] = typeId;
  if ((flags & MAYBE_NULL) !== 0) r[at + ID] = analysis.freshId();
}

/** Objects of a list or tree that the program doesn't own any more can be changed, but not given away. */
export function isNonOwning(type: number): boolean {
  return (type & (ALLOCATED | NON_OWNING)) === (ALLOCATED | NON_OWNING);
}
