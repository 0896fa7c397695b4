import type { Btf, BtfType, TypeId } from "../btf/index.js";
import type { Analysis } from "./analysis.js";
import type { VerifierMap } from "./input.js";

/** Fields of a map's value that the kernel looks after: programs reach them through helpers only. */
export type MapFieldKind =
  | "spin_lock"
  | "res_spin_lock"
  | "timer"
  | "workqueue"
  | "task_work"
  | "list_head"
  | "list_node"
  | "rb_root"
  | "rb_node"
  | "refcount"
  | "kptr_unref"
  | "kptr_ref"
  | "kptr_percpu"
  | "uptr";

export interface MapField {
  readonly kind: MapFieldKind;
  /** As the kernel's messages call it. */
  readonly name: string;
  /** Bytes from the start of the value. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** What a kernel pointer points to: name of the struct, and its id in the map's BTF. */
  readonly struct: string;
  readonly typeId: TypeId;
  /** Of a list or tree: what it is made of, by its `contains:` tag. */
  readonly contains?: GraphContent | undefined;
}

/** The struct that a list or tree is made of, and its node. */
export interface GraphContent {
  readonly typeId: TypeId;
  /** Bytes from the struct's start. */
  readonly nodeOffset: number;
}

const structKinds: Readonly<Record<string, MapFieldKind>> = {
  bpf_spin_lock: "spin_lock",
  bpf_res_spin_lock: "res_spin_lock",
  bpf_timer: "timer",
  bpf_wq: "workqueue",
  bpf_task_work: "task_work",
  bpf_list_head: "list_head",
  bpf_list_node: "list_node",
  bpf_rb_root: "rb_root",
  bpf_rb_node: "rb_node",
  bpf_refcount: "refcount",
};

const tagKinds: Readonly<Record<string, MapFieldKind>> = {
  kptr_untrusted: "kptr_unref",
  kptr: "kptr_ref",
  percpu_kptr: "kptr_percpu",
  uptr: "uptr",
};

const pointerNames: Readonly<Partial<Record<MapFieldKind, string>>> = {
  kptr_unref: "kptr",
  kptr_ref: "kptr",
  kptr_percpu: "percpu_kptr",
  uptr: "uptr",
};

/** Kernel pointers in map values: loads and stores of them have a meaning of their own. */
export function isPointerField(field: MapField): boolean {
  return pointerNames[field.kind] !== undefined;
}

/** Nodes of lists and trees. */
export function isGraphNode({ kind }: MapField): boolean {
  return kind === "list_node" || kind === "rb_node";
}

const none: readonly MapField[] = [];
const found = new WeakMap<Btf, Map<TypeId, readonly MapField[]>>();
/** Nesting of structs that is looked into. */
const MAX_DEPTH = 32;
const MAX_FIELDS = 11;

/** The special fields of a map's value, by its BTF. */
export function fieldsOf(analysis: Analysis, map: VerifierMap): readonly MapField[] {
  if (map.valueTypeId === undefined || map.valueTypeId === 0) return none;
  if (map.btf === undefined) return analysis.notModelled("a map's value type without its BTF");
  return structFieldsOf(map.btf, map.valueTypeId);
}

/** The special fields of a type. */
export function structFieldsOf(btf: Btf, typeId: TypeId): readonly MapField[] {
  let ofBtf = found.get(btf);
  if (ofBtf === undefined) {
    ofBtf = new Map();
    found.set(btf, ofBtf);
  }
  let fields = ofBtf.get(typeId);
  if (fields === undefined) {
    fields = findFields(btf, typeId);
    ofBtf.set(typeId, fields);
  }
  return fields;
}

function findFields(btf: Btf, typeId: TypeId): readonly MapField[] {
  const collected: MapField[] = [];
  try {
    collect(btf, typeId, 0, 0, nowhere, collected);
  } catch (error) {
    if (error instanceof UnusableFields) return none;
    throw error;
  }
  for (const kind of unique) if (collected.filter((field) => field.kind === kind).length > 1) return none;
  return collected.sort((a, b) => a.offset - b.offset);
}

/** Kinds of which a value has one at most. */
const unique: readonly MapFieldKind[] = ["spin_lock", "res_spin_lock", "timer", "workqueue", "task_work", "refcount"];

/** The field of one of the kinds, where the map's value has one. */
export function findField(analysis: Analysis, map: VerifierMap, kind: MapFieldKind): MapField | undefined {
  return fieldsOf(analysis, map).find((field) => field.kind === kind);
}

/** Types under names and qualifiers. */
export function skipModifiers(btf: Btf, id: TypeId): { id: TypeId; type: BtfType } {
  let current = id;
  let type = btf.type(current);
  for (let i = 0; i < 64 && isModifier(type); i++) {
    current = type.type;
    type = btf.type(current);
  }
  return { id: current, type };
}

function isModifier(
  type: BtfType,
): type is Extract<BtfType, { kind: "typedef" | "volatile" | "const" | "restrict" | "type_tag" }> {
  return (
    type.kind === "typedef" ||
    type.kind === "const" ||
    type.kind === "volatile" ||
    type.kind === "restrict" ||
    type.kind === "type_tag"
  );
}

/** Where a type is used: a member of a struct, or a variable (member -1). Tags hang there. */
interface Place {
  readonly owner: TypeId;
  readonly member: number;
}

const nowhere: Place = { owner: 0, member: -1 };

function collect(btf: Btf, id: TypeId, offset: number, depth: number, place: Place, into: MapField[]): void {
  if (depth > MAX_DEPTH) return;
  let elements = 1;
  let { id: typeId, type } = skipModifiers(btf, id);
  while (type.kind === "array") {
    elements *= type.length;
    ({ id: typeId, type } = skipModifiers(btf, type.type));
  }
  const found: MapField[] = [];
  if (elements > 0) collectOne(btf, typeId, type, depth, place, found);
  if (found.length === 0) return;
  // One too many is enough to know that there are too many.
  if (found.length * elements > MAX_FIELDS) throw new UnusableFields();
  if (elements > 1 && !found.every(({ kind }) => repeatable.has(kind))) throw new UnusableFields();
  const size = btf.size(typeId) ?? 0;
  for (let i = 0; i < elements; i++) {
    for (const field of found) into.push({ ...field, offset: field.offset + offset + i * size });
  }
  if (into.length > MAX_FIELDS) throw new UnusableFields();
}

/** Special fields of one element, from its start. */
function collectOne(btf: Btf, typeId: TypeId, type: BtfType, depth: number, place: Place, into: MapField[]): void {
  if (type.kind === "ptr") collectPointer(btf, type.type, into);
  else if (type.kind === "datasec") {
    for (const variable of type.variables) {
      const target = btf.type(variable.type);
      const here = { owner: variable.type, member: -1 };
      if (target.kind === "var") collect(btf, target.type, variable.offset, depth + 1, here, into);
    }
  } else if (type.kind === "struct") {
    const kind = structKinds[type.name];
    if (kind !== undefined) {
      const isRoot = kind === "list_head" || kind === "rb_root";
      const contains = isRoot ? contentOf(btf, place) : undefined;
      into.push({ kind, name: type.name, offset: 0, size: type.size, struct: "", typeId: 0, contains });
      return;
    }
    type.members.forEach((member, index) => {
      collect(btf, member.type, member.bitOffset / 8, depth + 1, { owner: typeId, member: index }, into);
    });
  }
}

/** More fields than the kernel keeps track of, or two of a kind of which there can be one: then it knows none. */
class UnusableFields {}

const repeatable: ReadonlySet<MapFieldKind> = new Set([
  "kptr_unref",
  "kptr_ref",
  "kptr_percpu",
  "uptr",
  "list_head",
  "rb_root",
]);

const CONTAINS = "contains:";

/** The tag `contains:STRUCT:NODE` at a list or tree. */
function contentOf(btf: Btf, { owner, member }: Place): GraphContent | undefined {
  for (let id = btf.firstId; id < btf.length; id++) {
    if (btf.kind(id) !== "decl_tag" || !btf.name(id).startsWith(CONTAINS)) continue;
    const tag = btf.type(id);
    if (tag.kind !== "decl_tag" || tag.type !== owner || tag.component !== member) continue;
    const [struct = "", node = ""] = tag.name.slice(CONTAINS.length).split(":");
    const [typeId] = btf.find(struct, "struct");
    const type = typeId === undefined ? undefined : btf.type(typeId);
    if (typeId === undefined || type?.kind !== "struct") return undefined;
    const found = type.members.find((candidate) => candidate.name === node);
    return found === undefined ? undefined : { typeId, nodeOffset: found.bitOffset / 8 };
  }
  return undefined;
}

/** A pointer is special by a tag on what it points to. */
function collectPointer(btf: Btf, pointee: TypeId, into: MapField[]): void {
  let id = pointee;
  let kind: MapFieldKind | undefined;
  for (let i = 0; i < 64; i++) {
    const type = btf.type(id);
    if (!isModifier(type)) break;
    if (type.kind === "type_tag") kind ??= tagKinds[type.name];
    id = type.type;
  }
  const target = btf.type(id);
  if (kind === undefined || (target.kind !== "struct" && target.kind !== "fwd")) return;
  into.push({ kind, name: pointerNames[kind]!, offset: 0, size: 8, struct: target.name, typeId: id });
}
