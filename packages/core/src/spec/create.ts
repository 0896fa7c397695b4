import type { MapSpec } from "./map.js";
import type { ObjectSpec } from "./object.js";
import type { ProgramSpec } from "./program.js";

/** A map built by hand: what isn't given is 0, `"none"`, empty or absent. */
export function createMap(map: Pick<MapSpec, "name" | "type"> & Partial<MapSpec>): MapSpec {
  return {
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    numaNode: 0,
    mapExtra: 0n,
    pinning: "none",
    keyTypeId: 0,
    valueTypeId: 0,
    contents: [],
    autocreate: true,
    freeze: false,
    ...map,
  };
}

/** A program built by hand: GPL, one function, without references and source lines unless given. */
export function createProgram(
  program: Pick<ProgramSpec, "name" | "type" | "insns"> & Partial<ProgramSpec>,
): ProgramSpec {
  return {
    section: "",
    flags: 0,
    license: "GPL",
    kernelVersion: 0,
    autoload: true,
    references: [],
    functions: [{ slot: 0, name: program.name, typeId: 0, linkage: "global" }],
    lines: [],
    coreRelocations: [],
    ...program,
  };
}

/** An object built by hand of maps and programs, which are keyed by their names. */
export function createObject(
  object: Partial<Omit<ObjectSpec, "maps" | "programs">> & {
    maps?: Iterable<MapSpec>;
    programs?: Iterable<ProgramSpec>;
  } = {},
): ObjectSpec {
  return {
    name: "",
    byteOrder: "little",
    untyped: new Map(),
    variables: new Map(),
    kconfig: [],
    ...object,
    maps: new Map([...(object.maps ?? [])].map((map) => [map.name, map])),
    programs: new Map([...(object.programs ?? [])].map((program) => [program.name, program])),
  };
}
