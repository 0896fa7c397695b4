import { mapTypeName } from "../abi/index.js";
import { FormatError, NotSupportedError } from "../base/index.js";
import { type Btf, resolve } from "../btf/index.js";
import { createMap, type MapEntry, type MapSpec } from "../spec/index.js";
import { u32Key } from "./btf-maps.js";
import type { ElfFile, ElfSection } from "./elf.js";
import type { MapTable } from "./map-table.js";
import type { ElfSymbol } from "./symbols.js";

const BPF_F_NUMA_NODE = 1 << 2;
/** iproute2's `struct bpf_elf_map` of nine words, with inner maps. */
const ELF_MAP_SIZE = 36;
/** gobpf's definition: six words and the name of a pin namespace. */
const GOBPF_SIZE = 24 + 256;
const NO_INDEX = 0xffffffff;

/** A definition's words after `flags`, as its loader means them. */
interface Extras {
  readonly id: number;
  /** iproute2's: `id` of the map that gives the type of the inner maps. */
  readonly innerId: number;
  /** iproute2's: which slot of maps of `id` this map belongs into; 0xffffffff for none. */
  readonly innerSlot: number;
  /** samples/bpf's: position of the inner map's definition. */
  readonly innerPosition: number | undefined;
}

interface LegacyMap {
  readonly map: MapSpec;
  readonly extras: Extras;
}

/** True for sections that hold map definitions of the time before BTF. */
export function isLegacyMapSection(name: string): boolean {
  return name === "maps" || name.startsWith("maps/");
}

/**
 * Map definitions as plain structs, each where a symbol points. All begin with the words type, key size, value size and
 * max entries; what follows depends on whose they are and is told by their size:
 *
 *     16, 20   (flags)                                  libbpf 0.x, BCC's and most others' samples
 *     24       flags, inner map's position              samples/bpf, for maps of maps
 *     28       flags, inner map's position, NUMA node   samples/bpf, if a map of maps or with BPF_F_NUMA_NODE; else
 *              flags, id, pinning                       aya, iproute2 before 4.14
 *     36       flags, id, pinning, inner id, inner slot iproute2, Cilium
 *     280      flags, pinning, namespace                gobpf ("maps/NAME" sections; its own namespaces, 3, are read as
 *                                                       the global one)
 *
 * @returns prog arrays and others by iproute2's `id`, for programs in sections named `id/slot`
 * @throws FormatError for a definition that fits none of these
 */
export function readLegacyMaps(
  elf: ElfFile,
  section: ElfSection,
  symbols: readonly ElfSymbol[],
  btf: Btf | undefined,
  table: MapTable,
): Map<number, string> {
  const defined = [...symbols]
    .sort((a, b) => a.value - b.value)
    .filter((symbol, i, all) => {
      return i === 0 || all[i - 1]!.value !== symbol.value;
    });
  if (defined.length === 0 && section.size > 0)
    throw new FormatError("no symbol names a map", { section: section.name });
  const maps: LegacyMap[] = defined.map((symbol, i) => {
    // Between two definitions a linker may have left one that nothing names.
    const room = (defined[i + 1]?.value ?? section.size) - symbol.value;
    const legacy = readDefinition(elf, section, symbol, symbol.size > 0 ? Math.min(symbol.size, room) : room);
    annotate(btf, symbol.name, legacy.map);
    table.define(section.index, symbol.value, symbol.name, legacy.map);
    return legacy;
  });
  linkInnerMaps(maps, section.name);
  const ids = new Map<number, string>();
  for (const { map, extras } of maps) {
    if (extras.id !== 0 && !ids.has(extras.id)) ids.set(extras.id, map.name);
  }
  return ids;
}

function readDefinition(elf: ElfFile, section: ElfSection, symbol: ElfSymbol, size: number): LegacyMap {
  const place = { section: section.name, offset: symbol.value };
  const { data } = section;
  if (size < 16 || symbol.value + size > data.length) {
    throw new FormatError(`map ${symbol.name} is defined by ${size} bytes, 16 is the least`, place);
  }
  const view = new DataView(data.buffer, data.byteOffset + symbol.value, size);
  const word = (index: number) => (index * 4 + 4 <= size ? view.getUint32(index * 4, elf.littleEndian) : 0);
  const type = mapTypeName(word(0));
  if (type === undefined) throw new FormatError(`map ${symbol.name} has the unknown type ${word(0)}`, place);
  const map = createMap({
    name: symbol.name,
    type,
    keySize: word(1),
    valueSize: word(2),
    maxEntries: word(3),
    flags: word(4),
  });
  if (size === GOBPF_SIZE) {
    map.pinning = pinning(word(5), place);
    return { map, extras: { id: 0, innerId: 0, innerSlot: NO_INDEX, innerPosition: undefined } };
  }
  const nested = isNested(map);
  const positional = size < ELF_MAP_SIZE && (nested || (map.flags & BPF_F_NUMA_NODE) !== 0);
  if (positional) map.numaNode = word(6);
  // Sizes below 36 bytes with a pinning are aya's, whose only kind is by name, or an iproute2's of before 2017.
  else map.pinning = size < ELF_MAP_SIZE && word(6) === 1 ? "by_name" : pinning(word(6), place);
  for (let at = ELF_MAP_SIZE; at < size; at++) {
    if (view.getUint8(at) !== 0) {
      throw new FormatError(`map ${symbol.name} has unknown attributes`, { ...place, offset: symbol.value + at });
    }
  }
  return {
    map,
    extras: {
      id: positional ? 0 : word(5),
      innerId: word(7),
      innerSlot: size >= ELF_MAP_SIZE ? word(8) : NO_INDEX,
      innerPosition: positional && nested ? word(5) : undefined,
    },
  };
}

function pinning(number: number, place: { section: string; offset: number }): MapSpec["pinning"] {
  const namespaces = ["none", "object", "global", "global"] as const;
  const known = namespaces[number];
  if (known === undefined)
    throw new NotSupportedError("pinning", `pin namespace ${number} of a map in ${place.section}`);
  return known;
}

function linkInnerMaps(maps: readonly LegacyMap[], section: string): void {
  const inners = new Map<number, { readonly first: LegacyMap; readonly contents: MapEntry[] }>();
  for (const legacy of maps) {
    const { id, innerId, innerSlot } = legacy.extras;
    if (id === 0 || innerId !== 0) continue;
    const known = inners.get(id) ?? { first: legacy, contents: [] };
    inners.set(id, known);
    if (innerSlot !== NO_INDEX) known.contents.push({ key: u32Key(innerSlot), value: { map: legacy.map.name } });
  }
  for (const { map, extras } of maps) {
    const { innerId, innerPosition } = extras;
    if (innerId === 0 && innerPosition === undefined) continue;
    const inner = innerPosition === undefined ? inners.get(innerId)?.first : maps[innerPosition];
    if (inner === undefined || isNested(inner.map)) {
      const what = innerPosition === undefined ? `id ${innerId}` : `position ${innerPosition}`;
      throw new FormatError(`the inner map of ${map.name} has ${what}, where there is none that can be one`, {
        section,
      });
    }
    map.inner = inner.map;
    if (innerPosition === undefined) map.contents = inners.get(innerId)!.contents;
  }
}

function isNested(map: MapSpec): boolean {
  return map.type === "array_of_maps" || map.type === "hash_of_maps";
}

/** BPF_ANNOTATE_KV_PAIR: a struct `____btf_map_NAME` says the types of key and value. */
function annotate(btf: Btf | undefined, name: string, map: MapSpec): void {
  const id = btf?.find(`____btf_map_${name}`, "struct")[0];
  if (btf === undefined || id === undefined) return;
  const struct = btf.type(resolve(btf, id));
  if (struct.kind !== "struct" || struct.members.length !== 2) return;
  const [key, value] = struct.members;
  if (btf.size(key!.type) !== map.keySize || btf.size(value!.type) !== map.valueSize) return;
  map.keyTypeId = key!.type;
  map.valueTypeId = value!.type;
}
