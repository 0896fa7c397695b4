import { type Btf, type BtfType, encodeBtf, mapTypeIds, resolve, type TypeId, typeIdsOf } from "../btf/index.js";
import type { CoreRelocation, ObjectSpec } from "../spec/index.js";
import { type CorePath, isEnumRelocation, isTypeRelocation } from "./core-path.js";
import { relocateForTarget } from "./core-relocation.js";

/**
 * The types of a kernel that the objects' CO-RE relocations look at, and no more: structs keep their size and the members
 * that are read. Relocating against it gives what relocating against `target` gives. For kernels that come without BTF.
 *
 * @returns A .BTF section, to be shipped with the objects.
 * @throws BpfError `"CORE_RELOCATION"` as `applyCoreRelocations` does
 */
export function minimalBtf(objects: readonly ObjectSpec[], target: Btf): Uint8Array<ArrayBuffer> {
  const use = new UsedTypes(target);
  for (const { btf, programs, untyped } of objects) {
    if (btf === undefined) continue;
    for (const program of [...programs.values(), ...untyped.values()]) {
      for (const { relocation, targetPath } of relocateForTarget({ ...program, type: "socket_filter" }, btf, target)
        .resolutions) {
        if (targetPath !== undefined) use.relocation(relocation.kind, targetPath);
      }
    }
  }
  return use.encode();
}

/** Types that are used, and of structs and unions which members. */
class UsedTypes {
  readonly #btf: Btf;
  readonly #members = new Map<TypeId, Set<number>>();
  readonly #used = new Set<TypeId>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  relocation(kind: CoreRelocation["kind"], path: CorePath): void {
    if (isTypeRelocation(kind)) {
      this.#type(path.root, kind === "type_matches");
      return;
    }
    this.#type(path.root, false);
    if (!isEnumRelocation(kind)) this.#field(path);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const ids = [...this.#used].sort((a, b) => a - b);
    const renumbered = new Map([[0, 0], ...ids.map((id, index) => [id, index + 1] as [number, number])]);
    return encodeBtf(ids.map((id) => mapTypeIds(this.#kept(id), (each) => renumbered.get(each)!)));
  }

  #kept(id: TypeId): BtfType {
    const type = this.#btf.type(id);
    if (type.kind !== "struct" && type.kind !== "union") return type;
    const members = this.#members.get(id);
    return { ...type, members: type.members.filter((_, index) => members?.has(index) === true) };
  }

  /** A type and what it is made of, but for the members of structs: with `whole` those too, as far as no pointer leads. */
  #type(id: TypeId, whole: boolean): void {
    const type = this.#btf.type(id);
    const isStruct = type.kind === "struct" || type.kind === "union";
    const known = this.#used.has(id);
    if (id === 0) return;
    this.#used.add(id);
    if (isStruct) {
      if (!whole || this.#members.get(id)?.size === type.members.length) return;
      this.#members.set(id, new Set(type.members.keys()));
      for (const member of type.members) this.#type(member.type, true);
      return;
    }
    if (known && !whole) return;
    const deeper = whole && type.kind !== "ptr";
    for (const each of typeIdsOf(type)) this.#type(each, deeper);
  }

  /** The members on the way to a field, those of anonymous structs between them included. */
  #field({ root, steps }: CorePath): void {
    let id = resolve(this.#btf, root);
    for (const step of steps) {
      if (step.name === undefined) {
        this.#type(step.element, false);
        id = step.element;
        continue;
      }
      this.#wayTo(id, step.owner, new Set());
      this.#member(step.owner, step.index);
      const owner = this.#btf.type(step.owner);
      if (owner.kind === "struct" || owner.kind === "union") id = resolve(this.#btf, owner.members[step.index]!.type);
    }
  }

  #member(owner: TypeId, index: number): void {
    const type = this.#btf.type(owner);
    if (type.kind !== "struct" && type.kind !== "union") return;
    this.#used.add(owner);
    const members = this.#members.get(owner) ?? new Set();
    this.#members.set(owner, members.add(index));
    this.#type(type.members[index]!.type, false);
  }

  /** Marks the anonymous members that lead from `from` to `owner`; false where none do. */
  #wayTo(from: TypeId, owner: TypeId, seen: Set<TypeId>): boolean {
    if (from === owner) return true;
    const type = this.#btf.type(from);
    if ((type.kind !== "struct" && type.kind !== "union") || seen.has(from)) return false;
    seen.add(from);
    return type.members.some((member, index) => {
      if (member.name !== "" || !this.#wayTo(resolve(this.#btf, member.type), owner, seen)) return false;
      this.#member(from, index);
      return true;
    });
  }
}
