import { type Btf, resolve, type TypeId } from "../btf/index.js";
import type { ValueField } from "../maps/index.js";

/** Structs of the kernel that a value may contain and that copies leave alone. */
const structKinds: Readonly<Record<string, ValueField["kind"]>> = {
  bpf_spin_lock: "spin_lock",
  bpf_res_spin_lock: "spin_lock",
  bpf_timer: "timer",
  bpf_wq: "workqueue",
  bpf_list_head: "list_head",
  bpf_list_node: "list_node",
  bpf_rb_root: "rb_root",
  bpf_rb_node: "rb_node",
  bpf_refcount: "refcount",
};
const kptrTags: ReadonlySet<string> = new Set(["kptr", "kptr_untrusted", "percpu_kptr", "uptr"]);
/** Fields that the kernel counts at most (BTF_FIELDS_MAX). */
const MAX_FIELDS = 11;
const MAX_DEPTH = 8;

/** The special fields of a value type: locks, timers, kernel pointers ..., by offset. */
export function specialFields(btf: Btf | undefined, typeId: TypeId): ValueField[] {
  if (btf === undefined || typeId === 0) return [];
  const fields: ValueField[] = [];
  collect(btf, typeId, 0, fields, 0);
  return fields.sort((a, b) => a.offset - b.offset);
}

function collect(btf: Btf, typeId: TypeId, offset: number, fields: ValueField[], depth: number): void {
  if (depth > MAX_DEPTH || fields.length >= MAX_FIELDS) return;
  const id = resolve(btf, typeId);
  const type = btf.type(id);
  if (type.kind === "ptr") {
    if (isKptr(btf, type.type)) fields.push({ kind: "kptr", offset, size: 8 });
    return;
  }
  if (type.kind === "datasec") {
    for (const variable of type.variables) collect(btf, variable.type, offset + variable.offset, fields, depth + 1);
    return;
  }
  if (type.kind === "var") {
    collect(btf, type.type, offset, fields, depth + 1);
    return;
  }
  if (type.kind !== "struct") return;
  const kind = structKinds[type.name];
  if (kind !== undefined) {
    fields.push({ kind, offset, size: type.size });
    return;
  }
  for (const member of type.members) {
    if (member.bitOffset % 8 === 0) collect(btf, member.type, offset + member.bitOffset / 8, fields, depth + 1);
  }
}

function isKptr(btf: Btf, typeId: TypeId): boolean {
  const type = btf.type(typeId);
  return type.kind === "type_tag" && kptrTags.has(type.name);
}
