import type { Analysis } from "./analysis.js";
import { setTypedPointer } from "./btf-access.js";
import { AUX, ID, isConstant, OBJECT, OFF, REF, registerAt, TYPE, VALUE } from "./domain/register.js";
import { setUnreadable } from "./invalidate.js";
import { forEachRegister } from "./linked-scalars.js";
import { fieldsOf, type GraphContent, type MapField, type MapFieldKind, structFieldsOf } from "./map-fields.js";
import { ALLOCATED, BTF_ID, KIND, MAP_VALUE, NON_OWNING, RCU } from "./pointer-types.js";
import { releaseReference } from "./references.js";
import type { State } from "./state.js";
import type { Walk } from "./walk.js";

/** A list or tree that a call works on. */
export interface GraphRoot {
  readonly name: string;
  readonly content: GraphContent;
  /** Whose types the content's are, as of a record. */
  readonly object: number;
}

/** The special fields of what a register points to: a map's value, or an object of the program's. */
export function fieldsBehind(analysis: Analysis, r: Int32Array, at: number): readonly MapField[] {
  const type = r[at + TYPE]!;
  if ((type & KIND) === MAP_VALUE) return fieldsOf(analysis, analysis.mapOf(r[at + OBJECT]!));
  if ((type & KIND) !== BTF_ID) return [];
  return structFieldsOf(analysis.typesOf(r[at + OBJECT]!), r[at + AUX]!);
}

/** Distinguishes maps from sets of types in a lock's owner. */
export function lockOwner(r: Int32Array, at: number): number {
  return (r[at + TYPE]! & KIND) === MAP_VALUE ? r[at + OBJECT]! : -r[at + OBJECT]!;
}

/** An argument that is a list or tree: at a constant place, its lock held. */
export function findGraphRoot(walk: Walk, register: number, kind: "list_head" | "rb_root"): GraphRoot {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  if (type !== MAP_VALUE && type !== (BTF_ID | ALLOCATED)) {
    analysis.invalid("kfunc", `arg#${register - 1} expected pointer to map value or allocated object`);
  }
  if (type !== MAP_VALUE && records[at + REF] === 0) {
    analysis.invalid("kfunc", "allocated object must be referenced");
  }
  const name = `bpf_${kind}`;
  const field = fieldAt(analysis, register, kind, name);
  if (!isLocked(analysis, records, at)) {
    const lock = fieldsBehind(analysis, records, at).find((candidate) => candidate.kind === "spin_lock");
    analysis.invalid("lock", `bpf_spin_lock at off=${lock?.offset ?? -22} must be held for ${name}`);
  }
  if (field.contains === undefined) analysis.notModelled(`a ${name} that doesn't say what it contains`);
  const map = type === MAP_VALUE ? analysis.mapOf(records[at + OBJECT]!) : undefined;
  const object = map?.btf === undefined ? records[at + OBJECT]! : analysis.objectOfTypes(map.btf);
  return { name, content: field.contains, object };
}

function fieldAt(analysis: Analysis, register: number, kind: MapFieldKind, name: string): MapField {
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (!isConstant(records, at)) {
    analysis.invalid("kfunc", `R${register} doesn't have constant offset. ${name} has to be at the constant offset`);
  }
  const offset = records[at + OFF]! + records[at + VALUE]!;
  const field = fieldsBehind(analysis, records, at).find(
    (candidate) => candidate.kind === kind && candidate.offset === offset,
  );
  if (field === undefined) analysis.invalid("kfunc", `${name} not found at offset=${offset >>> 0}`);
  return field;
}

/** Is a lock held that lies in the same object? */
function isLocked(analysis: Analysis, r: Int32Array, at: number): boolean {
  const { state } = analysis;
  if (state.locks === 0) return false;
  const owner = lockOwner(r, at);
  const held = state.references.some(
    ({ kind, id, object }) => kind !== "object" && kind !== "irq" && id === r[at + ID] && object === owner,
  );
  if (!held) analysis.log.write("held lock and object are not in the same allocation\n");
  return held;
}

/** An argument that is a node: of the very struct that the list or tree is made of. */
export function checkGraphNode(
  walk: Walk,
  register: number,
  root: GraphRoot,
  kind: "list_node" | "rb_node",
  mayBeBorrowed: { readonly by: string } | undefined,
): void {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const type = records[at + TYPE]!;
  if (mayBeBorrowed === undefined) requireOwned(analysis, register, type, records[at + REF]!);
  else {
    const borrowed = (type & (ALLOCATED | NON_OWNING)) === (ALLOCATED | NON_OWNING);
    if (!borrowed && records[at + REF] === 0) {
      analysis.invalid("kfunc", `${mayBeBorrowed.by} can only take non-owning or refcounted bpf_rb_node pointer`);
    }
    if (inTreeCallback(analysis)) analysis.invalid("kfunc", `${mayBeBorrowed.by} not allowed in rbtree cb`);
  }
  const name = `bpf_${kind}`;
  fieldAt(analysis, register, kind, name);
  const offset = records[at + OFF]! + records[at + VALUE]!;
  const { content, object } = root;
  const struct = analysis.typeNameOf(object, content.typeId);
  if (records[at + OBJECT] !== object || records[at + AUX] !== content.typeId) {
    const actual = analysis.typeNameOf(records[at + OBJECT]!, records[at + AUX]!);
    analysis.invalid(
      "kfunc",
      `operation on ${root.name} expects arg#1 ${name} at offset=${content.nodeOffset} in struct ${struct}, ` +
        `but arg is at offset=${offset} in struct ${actual}`,
    );
  }
  if (offset !== content.nodeOffset) {
    analysis.invalid(
      "kfunc",
      `arg#1 offset=${offset}, but expected ${name} at offset=${content.nodeOffset} in struct ${struct}`,
    );
  }
}

function requireOwned(analysis: Analysis, register: number, type: number, reference: number): void {
  if (type !== (BTF_ID | ALLOCATED)) {
    analysis.invalid("kfunc", `arg#${register - 1} expected pointer to allocated object`);
  }
  if (reference === 0) analysis.invalid("kfunc", "allocated object must be referenced");
}

/** Makes a register a pointer to a node of a list or tree. */
export function setGraphNode(analysis: Analysis, r: Int32Array, at: number, { content, object }: GraphRoot): void {
  setTypedPointer(analysis, r, at, object, content.typeId, ALLOCATED);
  r[at + OFF] = content.nodeOffset;
}

/** The list or tree owns the object: the program may use it as long as it holds the lock. */
export function setNonOwning(analysis: Analysis, r: Int32Array, at: number): void {
  const counted = fieldsBehind(analysis, r, at).some(({ kind }) => kind === "refcount");
  r[at + TYPE] = r[at + TYPE]! | NON_OWNING | (counted ? RCU : 0);
}

/** The object of the reference goes into a list or tree: pointers to it stay, but don't own it any more. */
export function giveObjectToGraph(analysis: Analysis, reference: number): void {
  forEachRegister(analysis.state, (r, at) => {
    if (r[at + REF] !== reference) return;
    r[at + REF] = 0;
    setNonOwning(analysis, r, at);
  });
  releaseReference(analysis, reference);
}

/** Without the lock, objects that lists and trees own may go away. */
export function forgetNonOwning(analysis: Analysis, state: State): void {
  forEachRegister(state, (r, at) => {
    const type = r[at + TYPE]!;
    if ((type & (ALLOCATED | NON_OWNING)) === (ALLOCATED | NON_OWNING)) setUnreadable(analysis, r, at);
  });
}

/** Is the current function called to compare nodes of a tree, under the tree's lock? */
export function inTreeCallback(analysis: Analysis): boolean {
  const { frame, state } = analysis;
  if (state.frames.length === 1 || !frame.inCallback) return false;
  return analysis.kfuncAt(frame.callsite)?.name === "bpf_rbtree_add_impl";
}
