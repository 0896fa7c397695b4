import { BPF_F_MMAPABLE } from "../abi/index.js";
import { FormatError } from "../base/index.js";
import { type Btf, datasecVariables } from "../btf/index.js";
import { createMap, type MapEntry, type VariableSpec } from "../spec/index.js";
import { u32Key } from "./btf-maps.js";
import { type ElfSection, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS } from "./elf.js";
import { GlobalVariable } from "./global-variable.js";
import type { MapTable } from "./map-table.js";
import type { ElfSymbol } from "./symbols.js";

const BPF_F_RDONLY_PROG = 1 << 7;
/** Where compilers put `__arena` globals. */
const ARENA_SECTION = ".addr_space.1";
/** Bytes; `max_entries` of an arena counts pages. */
const ARENA_PAGE = 4096;
/** INT_MAX, the kernel's limit on a value. */
const MAX_VALUE_SIZE = 2 ** 31 - 1;

/** `.data`, `.rodata.str1.1`, `.bss.counters` ... */
export function isDataSection(section: ElfSection): boolean {
  if (section.size === 0) return false;
  if (section.type === SHT_NOBITS) return /^\.bss($|\.)/.test(section.name);
  return section.type === SHT_PROGBITS && /^\.(ro)?data($|\.)/.test(section.name);
}

/** Any other section of data that instructions may point into. */
export function canHoldData(section: ElfSection): boolean {
  return (
    section.size > 0 &&
    (section.flags & SHF_ALLOC) !== 0 &&
    (section.flags & SHF_EXECINSTR) === 0 &&
    (section.type === SHT_PROGBITS || section.type === SHT_NOBITS)
  );
}

/**
 * Makes an array map of one value out of a section of global data, as libbpf does: `.rodata*` is read-only for programs
 * and frozen; sections with a variable that is visible outside of the object can be mapped into user space
 * (BPF_F_MMAPABLE, since 5.5; hosts leave it away for older kernels).
 */
export function addDataMap(
  section: ElfSection,
  objectName: string,
  symbols: readonly ElfSymbol[],
  btf: Btf | undefined,
  table: MapTable,
): void {
  if (section.size > MAX_VALUE_SIZE) {
    throw new FormatError(`${section.size} bytes of global data are more than a map holds`, { section: section.name });
  }
  const constant = section.name.startsWith(".rodata") || (section.flags & SHF_WRITE) === 0;
  const hidden = new Set(symbols.filter((symbol) => symbol.hidden).map((symbol) => symbol.name));
  const shared =
    btf !== undefined &&
    datasecVariables(btf, section.name).some(({ linkage, name }) => linkage !== "static" && !hidden.has(name));
  const map = createMap({
    name: dataMapName(objectName, section.name),
    type: "array",
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: (constant ? BPF_F_RDONLY_PROG : 0) | (shared ? BPF_F_MMAPABLE : 0),
    valueTypeId: btf?.find(section.name, "datasec")[0] ?? 0,
    contents: initialContents(section),
    freeze: constant,
    dataSection: section.name,
  });
  table.addData(section.index, section.name, map);
}

function initialContents(section: ElfSection): MapEntry[] {
  return section.type === SHT_NOBITS ? [] : [{ key: u32Key(0), value: section.data.slice() }];
}

/**
 * Puts `__arena` globals at the start of the object's arena, whose key it returns.
 *
 * @throws FormatError when there isn't exactly one arena, or it is too small
 */
export function placeArenaData(section: ElfSection, table: MapTable): string {
  const arenas = [...table.maps].filter(([, map]) => map.type === "arena");
  const [key, arena] = arenas[0] ?? [];
  if (arenas.length !== 1 || key === undefined || arena === undefined) {
    throw new FormatError(`arena variables need one arena map, there are ${arenas.length}`, { section: section.name });
  }
  if (arena.dataSection !== undefined)
    throw new FormatError("a second section of that name", { section: section.name });
  if (section.size > arena.maxEntries * ARENA_PAGE) {
    throw new FormatError(`${section.size} bytes of variables don't fit into ${arena.maxEntries} pages`, {
      section: section.name,
    });
  }
  arena.contents = initialContents(section);
  arena.dataSection = section.name;
  table.placeData(section.index, key);
  return key;
}

export function isArenaSection(section: ElfSection): boolean {
  return section.name === ARENA_SECTION && canHoldData(section);
}

/**
 * libbpf's name for a global-data map: up to 8 bytes of the object's name and the section's name, 15 in all; sections
 * with a second dot keep their own name.
 */
export function dataMapName(objectName: string, section: string): string {
  const own = section.lastIndexOf(".") > 0;
  const room = 15 - Math.min(15, Math.max(7, section.length));
  const name = own ? section.slice(0, 15) : objectName.slice(0, room) + section;
  return name.replace(/[^A-Za-z0-9_.]/g, "_");
}

/** The named variables of a data section: its symbols, with types where BTF has them. */
export function readVariables(
  section: ElfSection,
  mapKey: string,
  symbols: readonly ElfSymbol[],
  btf: Btf | undefined,
  table: MapTable,
  littleEndian: boolean,
): VariableSpec[] {
  const types = new Map(
    (btf === undefined ? [] : datasecVariables(btf, section.name)).map((variable) => [variable.name, variable]),
  );
  const constant = table.maps.get(mapKey)?.freeze ?? false;
  const variables: VariableSpec[] = [];
  for (const symbol of symbols) {
    if (symbol.kind !== "object" && symbol.kind !== "notype") continue;
    // Labels of string literals in old compilers' objects.
    if (symbol.name.startsWith(".L")) continue;
    const type = types.get(symbol.name);
    const size = symbol.size || (type === undefined ? 0 : (btf!.size(type.type) ?? 0));
    if (size === 0) continue;
    if (symbol.value + size > section.size) {
      throw new FormatError(`variable ${symbol.name} reaches past its section`, {
        section: section.name,
        offset: symbol.value,
      });
    }
    const place = { name: symbol.name, map: mapKey, offset: symbol.value, size, typeId: type?.type ?? 0, constant };
    variables.push(new GlobalVariable(place, section.size, table.maps, littleEndian));
  }
  return variables;
}
