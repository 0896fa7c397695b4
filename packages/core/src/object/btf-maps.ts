import { FormatError } from "../base/index.js";
import { type Btf, datasecVariables } from "../btf/index.js";
import type { MapEntry } from "../spec/index.js";
import { type MapSlots, readMapDefinition } from "./btf-map-definition.js";
import type { ElfFile, ElfSection } from "./elf.js";
import type { MapTable } from "./map-table.js";
import { readRelocations } from "./relocations.js";
import type { ElfSymbol, SymbolTable } from "./symbols.js";

/** The name of the program that a function symbol stands for, or undefined. */
export type ProgramAt = (section: number, offset: number) => string | undefined;

interface DefinedMap {
  readonly key: string;
  readonly offset: number;
  readonly slots: MapSlots | undefined;
}

/**
 * The maps of section `.maps`.
 *
 * @returns them by offset, for {@link fillBtfMaps}
 * @throws FormatError for a malformed definition, and for `.maps` without BTF
 */
export function readBtfMaps(
  section: ElfSection,
  btf: Btf | undefined,
  symbols: readonly ElfSymbol[],
  table: MapTable,
): DefinedMap[] {
  if (btf === undefined) {
    throw new FormatError("maps are defined by BTF, which the object doesn't have (compile with -g)", {
      section: section.name,
    });
  }
  const offsets = new Map(symbols.map((symbol) => [symbol.name, symbol.value]));
  const defined: DefinedMap[] = [];
  for (const variable of datasecVariables(btf, section.name)) {
    const offset = offsets.get(variable.name);
    if (offset === undefined) {
      const declared =
        variable.linkage === "extern" ? "is defined in another object, to be linked with" : "has no symbol";
      throw new FormatError(`map ${variable.name} ${declared}`, { section: section.name });
    }
    const { map, slots } = readMapDefinition(btf, variable.type, variable.name);
    table.define(section.index, offset, variable.name, map);
    defined.push({ key: variable.name, offset, slots });
  }
  return defined.sort((a, b) => a.offset - b.offset);
}

/**
 * Fills in the slots of maps of maps and of prog arrays that the source initialises (`.values = { ... }`).
 *
 * @throws FormatError for a slot of something that is no map or program
 */
export function fillBtfMaps(
  elf: ElfFile,
  section: ElfSection,
  defined: readonly DefinedMap[],
  table: MapTable,
  symbols: SymbolTable,
  programAt: ProgramAt,
): void {
  const entries = new Map<string, MapEntry[]>();
  let next = 0;
  for (const { offset, symbol: index } of readRelocations(elf, section)) {
    const fail = (message: string): never => {
      throw new FormatError(message, { section: section.name, offset });
    };
    while (defined[next + 1] !== undefined && defined[next + 1]!.offset <= offset) next++;
    const map = defined[next];
    const slots = map?.slots ?? fail("a relocation outside of a map's values");
    const slot = (offset - map!.offset - slots.offset) / 8;
    if (!Number.isInteger(slot) || slot < 0) fail(`a relocation outside of the values of map ${map!.key}`);
    const symbol = symbols.at(index);
    const target = symbol.value + (symbol.kind === "section" ? readAddend(elf, section, offset) : 0);
    const place = table.at(symbol.section, target);
    const program = programAt(symbol.section, target);
    const isMap = slots.kind === "map";
    if (isMap ? place?.kind !== "map" : program === undefined) {
      fail(`slot ${slot} of ${map!.key} is no ${slots.kind}: ${symbol.name || `section ${symbol.section}`}`);
    }
    const value = isMap ? { map: place!.map } : { program: program! };
    const known = entries.get(map!.key) ?? [];
    entries.set(map!.key, known);
    known.push({ key: u32Key(slot), value });
  }
  for (const [key, contents] of entries) table.maps.get(key)!.contents = contents;
}

/** A section symbol's slot holds how far into the section it points. */
function readAddend(elf: ElfFile, section: ElfSection, offset: number): number {
  if (offset + 8 > section.data.length) return 0;
  const view = new DataView(section.data.buffer, section.data.byteOffset + offset, 8);
  return Number(view.getBigUint64(0, elf.littleEndian));
}

/** The key of an array's slot. */
export function u32Key(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}
