import { isMapType, mapTypeId } from "../abi/index.js";
import { AssembleError } from "../base/index.js";
import { type BtfMember, BtfStrings, type BtfType, encodeBtf, encodeBtfExt, type TypeId } from "../btf/index.js";
import type { Assembly, AssemblyMap, AssemblySection } from "../isa/index.js";
import { SLOT_SIZE } from "../isa/index.js";

/** Bytes of a pointer, which is what a map's definition is made of. */
const POINTER_SIZE = 8;

/** Bytes of a map's definition in `.maps`. */
export function mapDefinitionSize(map: AssemblyMap): number {
  return attributesOf(map).length * POINTER_SIZE;
}

/**
 * `.BTF` and `.BTF.ext` for assembled source: the maps' definitions, a record for each function, which takes a context
 * and returns an int as far as anyone can tell, and the source's own lines.
 *
 * @throws AssembleError for a map of an unknown type
 */
export function describeAssembly(
  assembly: Assembly,
  source: { readonly file: string; readonly lines: readonly string[] },
): { readonly btf: Uint8Array; readonly ext: Uint8Array } {
  const types = new TypeList();
  if (assembly.maps.length > 0) addMaps(types, assembly.maps);
  for (const section of assembly.sections) if (/^\.(data|rodata|bss)/.test(section.name)) addVariables(types, section);
  const code = assembly.sections.filter((section) => section.code);
  const prototype = types.add({
    kind: "func_proto",
    returns: types.integer(4, "int"),
    params: [{ name: "ctx", type: types.add({ kind: "ptr", type: 0 }) }],
  });
  const functions = code.map((section) => {
    const records = section.functions.map(({ slot, name }) => ({
      offset: slot * SLOT_SIZE,
      typeId: types.add({ kind: "func", name, type: prototype, linkage: slot === 0 ? "global" : "static" }),
    }));
    return [section.name, records] as const;
  });
  const strings = new BtfStrings();
  const lines = code.map((section) => [section.name, linesOf(section, source)] as const);
  const records = { functions: new Map(functions), lines: new Map(lines), coreRelocations: new Map() };
  const ext = encodeBtfExt(records, strings);
  return { btf: encodeBtf(types.types, { strings }), ext };
}

function linesOf(section: AssemblySection, source: { readonly file: string; readonly lines: readonly string[] }) {
  return section.lines.map(({ slot, line, column }) => ({
    offset: slot * SLOT_SIZE,
    file: source.file,
    text: source.lines[line - 1] ?? "",
    line,
    column,
  }));
}

/** Types by id, integers once each. */
class TypeList {
  readonly types: BtfType[] = [];
  readonly #integers = new Map<string, TypeId>();

  add(type: BtfType): TypeId {
    return this.types.push(type);
  }

  integer(size: number, name: string): TypeId {
    let id = this.#integers.get(name);
    if (id === undefined) {
      const encoding = name === "int" ? "signed" : "unsigned";
      id = this.add({ kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 });
      this.#integers.set(name, id);
    }
    return id;
  }
}

/** Attributes as `.maps` has them: a number, or the size of a plain integer. */
type Attribute = readonly [name: string, kind: "number" | "type", value: number];

const integerNames: Readonly<Record<number, string>> = {
  1: "unsigned char",
  2: "unsigned short",
  4: "unsigned int",
  8: "unsigned long long",
};

function attributesOf(map: AssemblyMap): readonly Attribute[] {
  const sized = (what: "key" | "value", size: number): Attribute[] => {
    if (size === 0) return [];
    return [size in integerNames ? [what, "type", size] : [`${what}_size`, "number", size]];
  };
  const flags: Attribute[] = map.flags === 0 ? [] : [["map_flags", "number", map.flags]];
  return [
    ["type", "number", typeNumber(map)],
    ...sized("key", map.keySize),
    ...sized("value", map.valueSize),
    ["max_entries", "number", map.maxEntries],
    ...flags,
  ];
}

function typeNumber({ name, type, line, column }: AssemblyMap): number {
  if (typeof type === "number") return type;
  if (!isMapType(type)) throw new AssembleError(`map ${name}: there is no map type "${type}"`, line, column);
  return mapTypeId(type);
}

/** What lies between two labels is taken for an integer where it has the size of one, and for bytes else. */
function addVariables(types: TypeList, { name: section, variables, bytes }: AssemblySection): void {
  const entries = variables.flatMap(({ name, offset, size, global }) => {
    if (size === 0) return [];
    const type =
      size in integerNames
        ? types.integer(size, integerNames[size]!)
        : types.add({
            kind: "array",
            type: types.integer(1, integerNames[1]!),
            indexType: types.integer(4, integerNames[4]!),
            length: size,
          });
    const linkage = global ? "global" : "static";
    return [{ type: types.add({ kind: "var", name, type, linkage }), offset, size }];
  });
  if (entries.length > 0) types.add({ kind: "datasec", name: section, size: bytes.length, variables: entries });
}

function addMaps(types: TypeList, maps: readonly AssemblyMap[]): void {
  const index = types.integer(4, "unsigned int");
  const pointTo = (type: BtfType | TypeId) =>
    types.add({ kind: "ptr", type: typeof type === "number" ? type : types.add(type) });
  let offset = 0;
  const variables = maps.map((map) => {
    const members: BtfMember[] = attributesOf(map).map(([name, kind, value], position) => ({
      name,
      type: pointTo(
        kind === "type"
          ? types.integer(value, integerNames[value]!)
          : { kind: "array", type: index, indexType: index, length: value },
      ),
      bitOffset: position * POINTER_SIZE * 8,
      bitSize: 0,
    }));
    const size = mapDefinitionSize(map);
    const struct = types.add({ kind: "struct", name: "", size, members });
    const type = types.add({ kind: "var", name: map.name, type: struct, linkage: "global" });
    const variable = { type, offset, size };
    offset += size;
    return variable;
  });
  types.add({ kind: "datasec", name: ".maps", size: offset, variables });
}
