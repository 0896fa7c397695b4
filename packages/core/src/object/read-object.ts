import { decodeText, FormatError } from "../base/index.js";
import { type Btf, parseBtf, parseBtfExt } from "../btf/index.js";
import type { MapEntry, ObjectSpec, VariableSpec } from "../spec/index.js";
import { fillBtfMaps, readBtfMaps, u32Key } from "./btf-maps.js";
import { type CodeSection, functionAt, readCode } from "./code.js";
import { type ElfFile, type ElfSection, readElf } from "./elf.js";
import { readExterns } from "./externs.js";
import {
  addDataMap,
  canHoldData,
  isArenaSection,
  isDataSection,
  placeArenaData,
  readVariables,
} from "./global-data.js";
import { isLegacyMapSection, readLegacyMaps } from "./legacy-maps.js";
import { Linker } from "./link.js";
import { MapTable } from "./map-table.js";
import { parseTailSection, type TypeChoice } from "./program-types.js";
import { ProgramTable } from "./programs.js";
import { RecordIndex } from "./records.js";
import { resolveFunction } from "./resolve.js";
import { isStructOpsSection, nameStructOpsTargets, readStructOps } from "./struct-ops.js";
import { type ElfSymbol, readSymbols, type SymbolTable, symbolsBySection } from "./symbols.js";

/** How to read an object. */
export interface ReadObjectOptions {
  /** File name or path: the object is named by its last part up to the first dot, as libbpf does it. */
  readonly name?: string | undefined;
  /**
   * Type of the programs whose section name doesn't say it. Those for which this is, or returns, undefined end up in
   * {@link ObjectSpec.untyped}.
   */
  readonly type?: TypeChoice | undefined;
}

/**
 * Reads a BPF object file: what clang, rustc and bpf2go make, of any age and either byte order, with libbpf's,
 * iproute2's or their predecessors' conventions. Nothing of it is loaded, no host is needed, and the result can be edited
 * before it is. `bytes` must not change afterwards.
 *
 * Relocations of data sections (a table of pointers in `.rodata`) are not applied, as in other loaders: a BPF program
 * cannot hold such addresses.
 *
 * @throws FormatError where the file contradicts itself or its parts make no sense together; the place is the section and
 * the byte in it
 * @throws NotSupportedError for 32-bit ELF, other machines, linked files, RELA relocations, and more than 100,000 programs
 */
export function readObject(bytes: Uint8Array, options: ReadObjectOptions = {}): ObjectSpec {
  const name = objectName(options.name ?? "");
  const elf = readElf(bytes);
  const symbols = readSymbols(elf);
  const bySection = symbolsBySection(symbols);
  const code = readCode(elf, bySection);
  const btf = readBtf(elf);
  const table = new MapTable();
  const object = { name, elf, symbols, bySection, code, btf, table };
  const programs = new ProgramTable(code.values(), options.type);
  const maps = readMaps(object, programs);
  const externs = readExterns(symbols, btf, name, table);

  const adoptData = (index: number) => adoptSection(object, maps.dataSections, index);
  const scope = { symbols, code, maps: table, externs, adoptData };
  const extSection = elf.sections.find((section) => section.name === ".BTF.ext" && section.size > 0);
  const records = new RecordIndex(btf && extSection && parseBtfExt(extSection.data, btf));
  const linker = new Linker((fn) => ({ ...resolveFunction(fn, scope), ...records.of(fn) }));
  const specs = programs.link(linker, btf, { license: readLicense(elf), kernelVersion: readVersion(elf) });
  nameStructOpsTargets(table, specs.programs);

  return {
    name,
    byteOrder: elf.littleEndian ? "little" : "big",
    maps: table.maps,
    ...specs,
    variables: readAllVariables(object, maps.dataSections),
    kconfig: externs.kconfig,
    btf,
  };
}

interface ObjectParts {
  readonly name: string;
  readonly elf: ElfFile;
  readonly symbols: SymbolTable;
  readonly bySection: ReadonlyMap<number, readonly ElfSymbol[]>;
  readonly code: ReadonlyMap<number, CodeSection>;
  readonly btf: Btf | undefined;
  readonly table: MapTable;
}

function objectName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const dot = file.indexOf(".");
  return dot < 0 ? file : file.slice(0, dot);
}

function readBtf(elf: ElfFile): Btf | undefined {
  const section = elf.sections.find((each) => each.name === ".BTF" && each.size > 0);
  return section && parseBtf(section.data);
}

/** The maps of all sections. `dataSections` are those whose variables have names, with the key of the map that holds them. */
function readMaps(object: ObjectParts, programs: ProgramTable): { readonly dataSections: Map<ElfSection, string> } {
  const { elf, symbols, bySection, btf, table, code } = object;
  const dataSections = new Map<ElfSection, string>();
  const programAt = (section: number, offset: number) => {
    const codeSection = code.get(section);
    const fn = codeSection && functionAt(codeSection, offset / 8);
    return fn && programs.keyOf(fn);
  };
  const programOf = (symbol: number) => programAt(symbols.at(symbol).section, symbols.at(symbol).value);
  const sections = elf.sections.map((section) => ({ section, named: bySection.get(section.index) ?? [] }));
  for (const { section, named } of sections) {
    if (section.name === ".maps") {
      const defined = readBtfMaps(section, btf, named, table);
      fillBtfMaps(elf, section, defined, table, symbols, programAt);
    } else if (isLegacyMapSection(section.name) && !code.has(section.index)) {
      fillTailCalls(table, programs, readLegacyMaps(elf, section, named, btf, table));
    }
  }
  for (const { section, named } of sections.filter((each) => isDataSection(each.section))) {
    addDataMap(section, object.name, named, btf, table);
    dataSections.set(section, section.name);
  }
  for (const { section, named } of sections.filter((each) => isStructOpsSection(each.section.name))) {
    readStructOps(elf, section, btf, named, table, programOf);
  }
  for (const section of elf.sections.filter(isArenaSection)) {
    dataSections.set(section, placeArenaData(section, table));
  }
  return { dataSections };
}

/** Programs in sections `id/slot` belong into the prog array with that id. */
function fillTailCalls(table: MapTable, programs: ProgramTable, ids: ReadonlyMap<number, string>): void {
  const entries = new Map<string, MapEntry[]>();
  for (const [key, head] of programs.heads) {
    const tail = parseTailSection(head.section);
    const map = tail && ids.get(tail.id);
    if (map === undefined || table.maps.get(map)?.type !== "prog_array") continue;
    const known = entries.get(map) ?? [];
    entries.set(map, known);
    known.push({ key: u32Key(tail!.slot), value: { program: key } });
  }
  for (const [map, contents] of entries) table.maps.get(map)!.contents = contents;
}

function adoptSection(object: ObjectParts, dataSections: Map<ElfSection, string>, index: number): boolean {
  const section = object.elf.sections[index];
  if (section === undefined || !canHoldData(section) || dataSections.has(section)) return false;
  if (section.name === ".maps" || isLegacyMapSection(section.name) || isStructOpsSection(section.name)) return false;
  addDataMap(section, object.name, object.bySection.get(index) ?? [], object.btf, object.table);
  dataSections.set(section, section.name);
  return true;
}

function readAllVariables(
  { elf, bySection, btf, table }: ObjectParts,
  dataSections: ReadonlyMap<ElfSection, string>,
): Map<string, VariableSpec> {
  const variables = new Map<string, VariableSpec>();
  for (const [section, map] of dataSections) {
    const symbols = bySection.get(section.index) ?? [];
    for (const variable of readVariables(section, map, symbols, btf, table, elf.littleEndian)) {
      if (!variables.has(variable.name)) variables.set(variable.name, variable);
    }
  }
  return variables;
}

function readLicense(elf: ElfFile): string {
  const bytes = elf.sections.find((section) => section.name === "license")?.data ?? new Uint8Array(0);
  const end = bytes.indexOf(0);
  return decodeText(end < 0 ? bytes : bytes.subarray(0, end));
}

function readVersion(elf: ElfFile): number {
  const section = elf.sections.find((each) => each.name === "version");
  if (section === undefined) return 0;
  if (section.data.length !== 4) {
    throw new FormatError(`a kernel version has 4 bytes, not ${section.data.length}`, { section: "version" });
  }
  return new DataView(section.data.buffer, section.data.byteOffset, 4).getUint32(0, elf.littleEndian);
}
