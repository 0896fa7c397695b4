import { BpfError } from "../base/index.js";
import { type Btf, memberBits, resolve, type TypeId } from "../btf/index.js";
import type { CoreRelocation } from "../spec/index.js";

/** The access strings that compilers write are far shorter; the kernel and libbpf stop here too. */
const MAX_STEPS = 64;

/** One turn of a path that a programmer would write: a member, or an index. */
export type CoreStep =
  /** Member `index` of the struct or union `owner`. */
  | { readonly name: string; readonly owner: TypeId; readonly index: number }
  /** Element `index`; `element` is the type of each. The first step is one: the path starts from a pointer. */
  | { readonly name: undefined; readonly element: TypeId; readonly index: number };

/** What a relocation names, in one type graph: a type, an enumerator, or a field. */
export interface CorePath {
  readonly root: TypeId;
  /** Anonymous structs on the way are left out. For enumerators one step. Empty for types. */
  readonly steps: readonly CoreStep[];
  /** Of the field, from the start of what the path starts from. */
  readonly bitOffset: number;
}

/** What went wrong with a relocation: it is no relocation that makes sense, or no target type decides it. */
export function coreError(relocation: CoreRelocation, message: string): BpfError<"CORE_RELOCATION"> {
  const { slot, kind, typeId, access } = relocation;
  return new BpfError("CORE_RELOCATION", `CO-RE relocation ${kind} at slot ${slot}: ${message}`, {
    slot,
    kind,
    typeId,
    access,
  });
}

export function isTypeRelocation(kind: CoreRelocation["kind"]): boolean {
  return kind.startsWith("type_");
}

export function isEnumRelocation(kind: CoreRelocation["kind"]): boolean {
  return kind.startsWith("enumval_");
}

/**
 * Reads a relocation's access string against the types that it was compiled with.
 *
 * @throws BpfError `"CORE_RELOCATION"` for a path that leads nowhere.
 * @see https://docs.kernel.org/bpf/llvm_reloc.html
 */
export function localPath(btf: Btf, relocation: CoreRelocation): CorePath {
  const { kind, typeId: root, access } = relocation;
  if (!/^\d+(:\d+)*$/.test(access)) throw coreError(relocation, `"${access}" is not a path`);
  const indices = access.split(":").map(Number);
  if (indices.length > MAX_STEPS) throw coreError(relocation, `a path of ${indices.length} steps`);
  const first = indices[0]!;
  if (isTypeRelocation(kind)) {
    if (access !== "0") throw coreError(relocation, `a path "${access}" within a type`);
    return { root, steps: [], bitOffset: 0 };
  }
  const id = resolve(btf, root);
  if (isEnumRelocation(kind)) {
    const type = btf.type(id);
    const value = type.kind === "enum" || type.kind === "enum64" ? type.values[first] : undefined;
    if (value === undefined || indices.length > 1)
      throw coreError(relocation, `type ${root} has no enumerator ${access}`);
    return { root, steps: [{ name: value.name, owner: id, index: first }], bitOffset: 0 };
  }
  return fieldPath(btf, relocation, indices);
}

function fieldPath(btf: Btf, relocation: CoreRelocation, indices: readonly number[]): CorePath {
  const { typeId: root, access } = relocation;
  const fail = () => coreError(relocation, `type ${root} has no field ${access}`);
  let id = resolve(btf, root);
  const first = indices[0]!;
  const steps: CoreStep[] = [{ name: undefined, element: id, index: first }];
  const size = btf.size(id);
  if (size === undefined) throw fail();
  let bitOffset = first * size * 8;
  for (const index of indices.slice(1)) {
    const type = btf.type(id);
    if (type.kind === "struct" || type.kind === "union") {
      const member = type.members[index];
      if (member === undefined) throw fail();
      bitOffset += memberBits(btf, member).bitOffset;
      if (member.name !== "") steps.push({ name: member.name, owner: id, index });
      id = resolve(btf, member.type);
    } else if (type.kind === "array") {
      const element = resolve(btf, type.type);
      const elementSize = btf.size(element);
      const within = index < type.length || isFlexible(btf, steps.at(-1)!, type.length);
      if (!within || elementSize === undefined) throw fail();
      bitOffset += index * elementSize * 8;
      steps.push({ name: undefined, element, index });
      id = element;
    } else {
      throw fail();
    }
  }
  return { root, steps, bitOffset };
}

/** Whether an array reached by `step` is a struct's last member without a length of its own: any index may be meant. */
export function isFlexible(btf: Btf, step: CoreStep, length: number): boolean {
  if (step.name === undefined || length > 0) return false;
  const owner = btf.type(step.owner);
  return (owner.kind === "struct" || owner.kind === "union") && step.index === owner.members.length - 1;
}

/** The path as C would write it, for messages: `struct sk_buff.cb[2]`. */
export function describePath(btf: Btf, kind: CoreRelocation["kind"], path: CorePath): string {
  const type = btf.kind(path.root);
  const name = btf.name(path.root) || "(anonymous)";
  const root = type === "typedef" || type === "int" ? name : `${type} ${name}`;
  if (isTypeRelocation(kind)) return root;
  if (isEnumRelocation(kind)) return `${root}::${path.steps[0]?.name}`;
  return path.steps.reduce((text, step, i) => {
    if (step.name !== undefined) return `${text}.${step.name}`;
    return i === 0 && step.index === 0 ? text : `${text}[${step.index}]`;
  }, root);
}
