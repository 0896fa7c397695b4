import { type Analysis, KERNEL_TYPES } from "./analysis.js";
import { inRcuSection, setTypedPointer } from "./btf-access.js";
import type { CallArguments, PointerField } from "./call-arguments.js";
import { AUX, ID, isConstant, OBJECT, OFF, REF, registerAt, TYPE, VALUE } from "./domain/register.js";
import { setUnreadable } from "./invalidate.js";
import { forEachRegister } from "./linked-scalars.js";
import { fieldsOf, isGraphNode, isPointerField, type MapField, structFieldsOf } from "./map-fields.js";
import type { MemoryAccess } from "./memory-access.js";
import { requireUnmodified } from "./memory-region.js";
import {
  ALLOCATED,
  BTF_ID,
  KIND,
  MAYBE_NULL,
  MEM,
  NON_OWNING,
  PERCPU,
  RCU,
  TRUSTED,
  typeName,
  UNTRUSTED,
} from "./pointer-types.js";
import { withoutReference } from "./references.js";
import { isNull, setPointer } from "./registers.js";
import { isOfType } from "./struct-walk.js";
import type { Walk } from "./walk.js";

/** Structs of the kernel that stay what they are until the end of an RCU grace period. */
const rcuProtected: ReadonlySet<string> = new Set([
  "prog_test_ref_kfunc",
  "cgroup",
  "bpf_cpumask",
  "task_struct",
  "bpf_crypto_ctx",
]);

/** What a field points to: the kernel's struct of that name, else the program's. `object` is whose types name it. */
export function resolvePointerField(analysis: Analysis, field: MapField, object: number): PointerField {
  const types = analysis.typesOf(object);
  const type = types.type(field.typeId);
  const kind = type.kind === "fwd" ? type.of : "struct";
  if (analysis.kernelTypes === undefined) return analysis.notModelled("a kernel pointer without the kernel's types");
  const [typeId] = analysis.kernelTypes.find(field.struct, kind);
  if (typeId !== undefined) return { field, object: KERNEL_TYPES, typeId };
  return { field, object, typeId: field.typeId };
}

/** A load or store of a kernel pointer in a map's value. */
export function accessKernelPointer(walk: Walk, access: MemoryAccess, field: MapField): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  if ((opcode & 0xe0) !== 0x60) {
    analysis.deny("map_access", "kptr in map can only be accessed using BPF_MEM instruction mode");
  }
  if (access.write && (field.kind === "kptr_ref" || field.kind === "kptr_percpu")) {
    analysis.deny("map_access", "store to referenced kptr disallowed");
  }
  if (access.write && field.kind === "uptr") analysis.deny("map_access", "store to uptr disallowed");
  const map = analysis.mapOf(analysis.frame.records[registerAt(access.register) + OBJECT]!);
  const pointer = resolvePointerField(analysis, field, analysis.objectOfTypes(map.btf!));
  if (!access.write) {
    loadPointer(analysis, access.value, pointer);
    return;
  }
  if (access.value >= 0) {
    if (!isNull(analysis.frame.records, registerAt(access.value))) requireMatch(walk, access.value, pointer);
  } else if (insns.imm[slot] !== 0) {
    analysis.deny("map_access", `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
  }
}

function loadPointer(analysis: Analysis, register: number, pointer: PointerField): void {
  const { records } = analysis.frame;
  const at = registerAt(register);
  const { field, object, typeId } = pointer;
  if (field.kind === "uptr") {
    setPointer(records, at, MEM | MAYBE_NULL);
    records[at + AUX] = analysis.typesOf(object).size(typeId) ?? 0;
    records[at + ID] = analysis.freshId();
    return;
  }
  setTypedPointer(analysis, records, at, object, typeId, MAYBE_NULL | trustOf(analysis, pointer));
}

/** How far a pointer that was loaded can be relied on. */
function trustOf(analysis: Analysis, { field, object, typeId }: PointerField): number {
  const inKernel = object === KERNEL_TYPES;
  const isSafe =
    field.kind === "kptr_percpu" || (field.kind === "kptr_ref" && (!inKernel || rcuProtected.has(field.struct)));
  if (!isSafe || !inRcuSection(analysis)) return UNTRUSTED;
  let flags = RCU;
  if (field.kind === "kptr_percpu") flags |= PERCPU;
  else if (!inKernel) flags |= ALLOCATED;
  if (!inKernel && structFieldsOf(analysis.typesOf(object), typeId).some(isGraphNode)) flags |= NON_OWNING;
  return flags;
}

/** The pointer in a register has to be one that the field can hold. */
function requireMatch(walk: Walk, register: number, { field, object, typeId }: PointerField): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  const unreferenced = field.kind === "kptr_unref";
  let allowed = KIND | MAYBE_NULL;
  // Whose types the register's are decides, whatever the register holds.
  const ofProgram = (type & KIND) === BTF_ID && records[at + OBJECT] !== KERNEL_TYPES;
  if (ofProgram) allowed |= ALLOCATED | (field.kind === "kptr_percpu" ? PERCPU : 0);
  else allowed |= TRUSTED | RCU | (unreferenced ? UNTRUSTED : 0);
  let actual = "";
  if ((type & KIND) === BTF_ID && (type & ~allowed) === 0) {
    actual = analysis.typeNameOf(records[at + OBJECT]!, records[at + AUX]!);
    requireUnmodified(analysis, register, true);
    const fits = isOfType(
      analysis,
      records[at + OBJECT]!,
      records[at + AUX]!,
      records[at + OFF]!,
      object,
      typeId,
      !unreferenced,
    );
    if (fits) return;
  }
  const wanted = analysis.typeNameOf(object, typeId);
  const alternative = unreferenced ? ` or untrusted_ptr_${wanted}` : "";
  // The kernel's check says what is wrong (EINVAL), a store makes EACCES of it.
  analysis.deny(
    "map_access",
    `invalid kptr access, R${register} type=${typeName(type)}${actual} expected=ptr_${wanted}${alternative}`,
  );
}

/** The second argument of bpf_kptr_xchg has to fit the field that the first points to. */
export function requirePointerOfField(walk: Walk, call: CallArguments, register: number): void {
  const { pointerField } = call;
  if (pointerField === undefined) walk.analysis.notModelled("bpf_kptr_xchg without a field");
  else requireMatch(walk, register, pointerField);
}

/** The first argument of bpf_kptr_xchg: a field of a map's value, or of an object of the program's. */
export function findExchangedField(walk: Walk, call: CallArguments, register: number): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  let fields: readonly MapField[];
  let object: number;
  if ((type & KIND) === BTF_ID) {
    object = records[at + OBJECT]!;
    fields = structFieldsOf(analysis.typesOf(object), records[at + AUX]!);
  } else {
    const map = analysis.mapOf(records[at + OBJECT]!);
    if (map.btf === undefined || !map.valueTypeId) {
      analysis.invalid("argument", `map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`);
    }
    fields = fieldsOf(analysis, map);
    object = analysis.objectOfTypes(map.btf);
    call.map = map;
  }
  if (!isConstant(records, at)) {
    const message = `R${register} doesn't have constant offset. kptr has to be at the constant offset`;
    analysis.invalid("argument", message);
  }
  const pointers = fields.filter((field) => isPointerField(field) && field.kind !== "uptr");
  if (pointers.length === 0) analysis.invalid("argument", `R${register} has no valid kptr`);
  const offset = records[at + OFF]! + records[at + VALUE]!;
  const field = pointers.find((candidate) => candidate.offset === offset);
  if (field === undefined) analysis.deny("argument", `off=${offset} doesn't point to kptr`);
  if (field.kind === "kptr_unref") analysis.deny("argument", `off=${offset} kptr isn't referenced kptr`);
  call.pointerField = resolvePointerField(analysis, field, object);
}

/** bpf_kptr_xchg takes the object; an allocated per-CPU one can still be read until the RCU section ends. */
export function giveObjectToMap(analysis: Analysis, reference: number): boolean {
  const { state } = analysis;
  const rest = withoutReference(state.references, reference);
  if (rest === state.references) return false;
  state.references = rest;
  const inRcu = inRcuSection(analysis);
  forEachRegister(state, (r, at) => {
    if (r[at + REF] !== reference) return;
    const type = r[at + TYPE]!;
    if (inRcu && (type & ALLOCATED) !== 0 && (type & PERCPU) !== 0) {
      r[at + REF] = 0;
      r[at + TYPE] = (type & ~ALLOCATED) | RCU;
    } else setUnreadable(analysis, r, at);
  });
  return true;
}

/** The object that bpf_kptr_xchg found in the field. */
export function setExchangedObject(analysis: Analysis, { field, object, typeId }: PointerField): void {
  let flags = MAYBE_NULL;
  if (object !== KERNEL_TYPES) flags |= ALLOCATED | (field.kind === "kptr_percpu" ? PERCPU : 0);
  setTypedPointer(analysis, analysis.frame.records, registerAt(0), object, typeId, flags);
}
