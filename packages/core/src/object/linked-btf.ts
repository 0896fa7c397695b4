import {
  type Btf,
  type BtfDatasec,
  type BtfExt,
  type BtfType,
  type CoreRelocationInfo,
  type FuncInfo,
  type LineInfo,
  mapTypeIds,
  mergeBtf,
  ownTypes,
  type TypeId,
} from "../btf/index.js";
import { isShared, type LinkInput, linkError } from "./link-input.js";
import type { LinkedSection, Placement, Placements } from "./linked-sections.js";
import type { LinkedSymbols } from "./linked-symbols.js";

type Entry = BtfDatasec["variables"][number];

/** What the linked object's types are made of. */
interface LinkedParts {
  readonly inputs: readonly LinkInput[];
  readonly placements: readonly Placements[];
  readonly symbols: LinkedSymbols;
  readonly sections: readonly LinkedSection[];
}

/** Types, and what belongs to instructions, of the linked object; undefined where no object has any. */
export function linkBtf(parts: LinkedParts): { readonly types: readonly BtfType[]; readonly ext: BtfExt } | undefined {
  const typed = parts.inputs.flatMap(({ btf }) => btf ?? []);
  if (typed.length === 0) return undefined;
  const linker = new BtfLinker(parts, typed);
  return { types: linker.types(), ext: linker.ext() };
}

class BtfLinker {
  readonly #parts: LinkedParts;
  readonly #merged: Btf;
  /** For each object the merged id of each of its types. */
  readonly #mergedIds: readonly (readonly TypeId[])[];
  /** Merged ids that stand for another one: what was expected and is defined, and what is expected twice. */
  readonly #replaced = new Map<TypeId, TypeId>();
  readonly #finalIds = new Map<TypeId, TypeId>([[0, 0]]);
  readonly #types: BtfType[] = [];

  constructor(parts: LinkedParts, graphs: readonly Btf[]) {
    this.#parts = parts;
    const { btf, ids } = mergeBtf(graphs);
    this.#merged = btf;
    let graph = 0;
    this.#mergedIds = parts.inputs.map((input) => (input.btf === undefined ? [] : ids[graph++]!));
    this.#resolveExpected();
    const sections = this.#sections();
    this.#renumber(sections);
  }

  types(): readonly BtfType[] {
    return this.#types;
  }

  /** Func, line and relocation records, at the places where the code is now. */
  ext(): BtfExt {
    const functions = new Map<string, FuncInfo[]>();
    const lines = new Map<string, LineInfo[]>();
    const coreRelocations = new Map<string, CoreRelocationInfo[]>();
    const { inputs, placements } = this.#parts;
    inputs.forEach(({ ext, elf }, owner) => {
      const bases = new Map(
        elf.sections.flatMap(({ index, name }): [string, Placement][] => {
          const placed = placements[owner]!.get(index);
          return placed === undefined ? [] : [[name, placed]];
        }),
      );
      const moved = <T extends { readonly offset: number }>(
        records: ReadonlyMap<string, readonly T[]> | undefined,
        into: Map<string, T[]>,
        map: (record: T) => T = (record) => record,
      ) => {
        for (const [name, list] of records ?? []) {
          const base = bases.get(name)?.base;
          if (base === undefined) continue;
          const known = into.get(name) ?? [];
          into.set(name, known);
          for (const record of list) known.push({ ...map(record), offset: record.offset + base });
        }
      };
      const typed = <T extends { readonly typeId: TypeId }>(record: T): T => ({
        ...record,
        typeId: this.#final(this.#mergedIds[owner]![record.typeId]!),
      });
      moved(ext?.functions, functions, typed);
      moved(ext?.lines, lines);
      moved(ext?.coreRelocations, coreRelocations, typed);
    });
    return { functions, lines, coreRelocations };
  }

  /** What one object expects and another defines is the definition; what several expect, and none defines, the first's. */
  #resolveExpected(): void {
    const { inputs, symbols } = this.#parts;
    const first = new Map<string, TypeId>();
    inputs.forEach(({ name: file, expected, defined }, owner) => {
      const own = (id: TypeId) => this.#mergedIds[owner]![id]!;
      for (const [name, id] of [...expected, ...defined]) {
        const definer = symbols.definer(name);
        if (definer === owner) continue;
        const winner = definer === undefined ? undefined : inputs[definer]!.defined.get(name);
        const target = winner === undefined ? first.get(name) : this.#mergedIds[definer!]![winner]!;
        if (target === undefined) {
          // A weak definition that lost to one without types stays what it is.
          if (definer === undefined) first.set(name, own(id));
          continue;
        }
        if (target === own(id)) continue;
        if (!this.#isSame(own(id), target)) {
          const other = definer === undefined ? "another object" : inputs[definer]!.name;
          throw linkError(`'${name}' has another type in ${file} than in ${other}`);
        }
        this.#replaced.set(own(id), target);
      }
    });
  }

  /** Types of two functions, but for the names of parameters, or of two variables, where an array may lack its length. */
  #isSame(one: TypeId, other: TypeId): boolean {
    const btf = this.#merged;
    const [a, b] = [btf.type(one), btf.type(other)];
    if (a.kind === "var" && b.kind === "var") return a.type === b.type || this.#isSameArray(a.type, b.type);
    if (a.kind !== "func" || b.kind !== "func") return false;
    const [p, q] = [btf.type(a.type), btf.type(b.type)];
    if (p.kind !== "func_proto" || q.kind !== "func_proto") return false;
    const same = p.params.every(({ type }, index) => type === q.params[index]?.type);
    return p.returns === q.returns && p.params.length === q.params.length && same;
  }

  #isSameArray(one: TypeId, other: TypeId): boolean {
    const [a, b] = [this.#merged.type(one), this.#merged.type(other)];
    return a.kind === "array" && b.kind === "array" && a.type === b.type && (a.length === 0 || b.length === 0);
  }

  #final(merged: TypeId): TypeId {
    return this.#finalIds.get(this.#replaced.get(merged) ?? merged)!;
  }

  /** Data sections by name, with entries of merged ids. */
  #sections(): Map<string, Entry[]> {
    const { inputs, placements } = this.#parts;
    const sections = new Map<string, Entry[]>();
    inputs.forEach(({ btf, elf }, owner) => {
      const placed = new Map(elf.sections.map(({ index, name }) => [name, placements[owner]!.get(index)]));
      for (const type of btf === undefined ? [] : ownTypes(btf)) {
        if (type.kind !== "datasec") continue;
        const place = placed.get(type.name);
        const entries = sections.get(type.name) ?? [];
        // The license of a second object went nowhere, and its variable with it.
        if (place === undefined && isShared(type.name)) continue;
        sections.set(type.name, entries);
        for (const entry of type.variables) this.#addEntry(entries, owner, entry, place);
      }
    });
    return sections;
  }

  #addEntry(entries: Entry[], owner: number, entry: Entry, place: Placement | undefined): void {
    const id = this.#mergedIds[owner]![entry.type]!;
    const type = this.#merged.type(id);
    const name = "name" in type ? type.name : "";
    const definer = this.#parts.symbols.definer(name);
    const isStatic = (type.kind === "var" || type.kind === "func") && type.linkage === "static";
    // An expected one that another object defines stands in that object's section, a weak one that lost nowhere.
    if (!isStatic && definer !== undefined && definer !== owner) return;
    if (this.#replaced.has(id)) return;
    const size = entry.size || (type.kind === "var" ? (this.#merged.size(type.type) ?? 0) : 0);
    const at = place === undefined ? undefined : this.#parts.symbols.placeOf(owner, name, place.section);
    entries.push({ type: id, offset: at ?? (place === undefined ? 0 : place.base + entry.offset), size });
  }

  #renumber(sections: ReadonlyMap<string, readonly Entry[]>): void {
    const kept: { readonly id: TypeId; readonly type: BtfType }[] = [];
    const listed = new Set([...sections.values()].flatMap((entries) => entries.map(({ type }) => type)));
    for (let id = 1; id < this.#merged.length; id++) {
      const type = this.#merged.type(id);
      if (type.kind === "datasec" || this.#replaced.has(id)) continue;
      // Variables stand in sections, or went with them, and their tags too.
      const isGone = (each: TypeId) => this.#merged.kind(each) === "var" && !listed.has(each);
      if (isGone(id) || (type.kind === "decl_tag" && isGone(this.#replaced.get(type.type) ?? type.type))) continue;
      kept.push({ id, type });
      this.#finalIds.set(id, kept.length);
    }
    for (const { type } of kept) this.#types.push(mapTypeIds(type, (id) => this.#final(id)));
    const sizes = new Map(this.#parts.sections.map(({ name, size }) => [name, size]));
    for (const [name, entries] of sections) {
      if (entries.length === 0) continue;
      const variables = [...entries]
        .sort((a, b) => a.offset - b.offset)
        .map((entry) => ({ ...entry, type: this.#final(entry.type) }));
      this.#types.push({ kind: "datasec", name, size: sizes.get(name) ?? 0, variables });
    }
  }
}
