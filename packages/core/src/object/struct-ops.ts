import { FormatError } from "../base/index.js";
import { type Btf, type BtfComposite, datasecVariables, essentialName, resolve } from "../btf/index.js";
import { createMap, type ProgramSpec, type StructOpsSpec } from "../spec/index.js";
import { u32Key } from "./btf-maps.js";
import type { ElfFile, ElfSection } from "./elf.js";
import type { MapTable } from "./map-table.js";
import { type ElfRelocation, readRelocations } from "./relocations.js";
import type { ElfSymbol } from "./symbols.js";

const BPF_F_LINK = 1 << 13;

/** The key of the program that a symbol stands for, or undefined. */
export type ProgramOf = (symbol: number) => string | undefined;

/** `.struct_ops`, `.struct_ops.link`, and both with `?` for what isn't created by itself. */
export function isStructOpsSection(name: string): boolean {
  return /^\??\.struct_ops(\.link)?$/.test(name);
}

/**
 * Variables of `.struct_ops`: each a map whose value is a kernel's struct of functions, implemented by programs.
 *
 * @throws FormatError without BTF, for a variable that is no struct, and for a member that points at no program
 */
export function readStructOps(
  elf: ElfFile,
  section: ElfSection,
  btf: Btf | undefined,
  symbols: readonly ElfSymbol[],
  table: MapTable,
  programOf: ProgramOf,
): void {
  const place = { section: section.name };
  if (btf === undefined) throw new FormatError("struct_ops need BTF, which the object doesn't have", place);
  const offsets = new Map(symbols.map((symbol) => [symbol.name, symbol.value]));
  const variables = datasecVariables(btf, section.name)
    .map((variable) => ({
      name: variable.name,
      typeId: resolve(btf, variable.type),
      start: offsets.get(variable.name),
    }))
    .sort((a, b) => (a.start ?? 0) - (b.start ?? 0));
  const relocations = readRelocations(elf, section);
  const link = section.name.endsWith(".link");
  let next = 0;
  let free = 0;
  for (const { name, typeId, start } of variables) {
    const type = btf.type(typeId);
    if (type.kind !== "struct" || start === undefined)
      throw new FormatError(`${name} is no struct with a symbol`, place);
    const end = start + type.size;
    if (start < free || end > section.data.length) throw new FormatError(`${name} isn't within its section`, place);
    free = end;
    const functions: StructOpsSpec["functions"][number][] = [];
    for (; next < relocations.length && relocations[next]!.offset < end; next++) {
      functions.push(memberFunction(relocations[next]!, type, start, programOf, section.name));
    }
    const map = createMap({
      name,
      type: "struct_ops",
      keySize: 4,
      valueSize: type.size,
      maxEntries: 1,
      flags: link ? BPF_F_LINK : 0,
      contents: [{ key: u32Key(0), value: section.data.slice(start, end) }],
      structOps: { typeId, typeName: type.name, functions, link },
      autocreate: !section.name.startsWith("?"),
      dataSection: section.name,
    });
    table.define(section.index, start, name, map);
  }
}

function memberFunction(
  relocation: ElfRelocation,
  type: BtfComposite,
  start: number,
  programOf: ProgramOf,
  section: string,
): StructOpsSpec["functions"][number] {
  const offset = relocation.offset - start;
  const member = type.members.find((each) => each.bitOffset === offset * 8);
  const program = programOf(relocation.symbol);
  if (member === undefined || program === undefined) {
    throw new FormatError(`byte ${offset} of a ${type.name} doesn't point a member at a program`, {
      section,
      offset: relocation.offset,
    });
  }
  return { member: member.name, offset, program };
}

/** Tells the programs of struct_ops which member they implement, as `attachTo`: `tcp_congestion_ops/ssthresh`. */
export function nameStructOpsTargets(table: MapTable, programs: ReadonlyMap<string, ProgramSpec>): void {
  for (const { structOps } of table.maps.values()) {
    for (const { member, program } of structOps?.functions ?? []) {
      const spec = programs.get(program);
      if (spec?.type === "struct_ops") spec.attachTo = `${essentialName(structOps!.typeName)}/${member}`;
    }
  }
}
