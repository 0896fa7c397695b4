import {
  type Btf,
  type BtfDatasec,
  type BtfFeatures,
  type BtfFuncProto,
  BtfStrings,
  type BtfType,
  downgradeType,
  encodeBtf,
  packPosition,
  type TypeId,
} from "@tsbpf/core/btf";
import type { LineRecord, ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import type { InfoRecords } from "../sys/index.js";
import { type Feature, hasFeature } from "./features.js";

const KSYMS = ".ksyms";
const FUNC_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;

/** An object's types and the records of its programs, in the form that the kernel takes. */
export interface ObjectBtf {
  readonly bytes: Uint8Array;
  functions(program: ProgramSpec): InfoRecords | undefined;
  lines(program: ProgramSpec): InfoRecords | undefined;
}

/**
 * An object's BTF for the kernel: global data laid out as its maps have it, externs made into what the kernel's checker
 * takes, and kinds that an older kernel doesn't know replaced by ones that it does. Ids stay what they were.
 */
export function objectBtf(object: ObjectSpec, has: (feature: Feature) => boolean = hasFeature): ObjectBtf | undefined {
  const { btf } = object;
  if (btf === undefined || !has("btf")) return undefined;
  const strings = new BtfStrings();
  const lineRecords = new Map<ProgramSpec, Uint8Array>();
  for (const program of object.programs.values()) lineRecords.set(program, encodeLines(program.lines, strings));
  const bytes = encodeBtf(kernelTypes(btf, object, has), { strings });
  return {
    bytes,
    functions: (program) => (has("btfFunctions") ? encodeFunctions(program) : undefined),
    lines: (program) => {
      const records = lineRecords.get(program) ?? new Uint8Array(0);
      return records.length === 0 || !has("btfFunctions") ? undefined : { bytes: records, recordSize: LINE_INFO_SIZE };
    },
  };
}

/** Undefined when a function has no type: the kernel wants records for all of a program's functions, or none. */
function encodeFunctions(program: ProgramSpec): InfoRecords | undefined {
  const { functions } = program;
  if (functions.length === 0 || functions.some(({ typeId }) => typeId === 0)) return undefined;
  const view = new DataView(new ArrayBuffer(functions.length * FUNC_INFO_SIZE));
  functions.forEach(({ slot, typeId }, i) => {
    view.setUint32(i * FUNC_INFO_SIZE, slot, true);
    view.setUint32(i * FUNC_INFO_SIZE + 4, typeId, true);
  });
  return { bytes: new Uint8Array(view.buffer), recordSize: FUNC_INFO_SIZE };
}

function encodeLines(lines: readonly LineRecord[], strings: BtfStrings): Uint8Array {
  const view = new DataView(new ArrayBuffer(lines.length * LINE_INFO_SIZE));
  lines.forEach(({ slot, file, text, line, column }, i) => {
    const at = i * LINE_INFO_SIZE;
    view.setUint32(at, slot, true);
    view.setUint32(at + 4, strings.add(file), true);
    view.setUint32(at + 8, strings.add(text), true);
    view.setUint32(at + 12, packPosition(line, column), true);
  });
  return new Uint8Array(view.buffer);
}

function* kernelTypes(btf: Btf, object: ObjectSpec, has: (feature: Feature) => boolean): IterableIterator<BtfType> {
  const externPrototypes = prototypesOfExterns(btf);
  const [symbols] = btf.find(KSYMS, "datasec");
  const symbolIds = symbols === undefined ? new Set() : variableIds(btf, symbols);
  const hidden = hiddenFunctions(object);
  const features = btfFeatures(has);
  for (let id = 1; id < btf.length; id++) {
    let type = btf.type(id);
    if (externPrototypes.has(id)) type = nameParameters(type as BtfFuncProto);
    else if (symbolIds.has(id) && type.kind === "var") type = { ...type, type: symbols!, linkage: "global" };
    else if (hidden.has(id) && type.kind === "func") type = { ...type, linkage: "static" };
    else type = prepare(type, btf, object);
    yield downgradeType(type, features);
  }
}

/**
 * Functions that are static to the verifier: those of the source, and hidden ones, which BTF has as global. A static
 * function is verified with what its callers pass, a global one by itself.
 */
function hiddenFunctions(object: ObjectSpec): Set<TypeId> {
  const ids = new Set<TypeId>();
  for (const { functions } of object.programs.values()) {
    for (const { linkage, typeId } of functions) if (linkage === "static" && typeId !== 0) ids.add(typeId);
  }
  return ids;
}

function variableIds(btf: Btf, section: TypeId): Set<TypeId> {
  return new Set((btf.type(section) as BtfDatasec).variables.map(({ type }) => type));
}

/** Prototypes that extern functions have: their parameters are mostly unnamed, and the kernel wants names. */
function prototypesOfExterns(btf: Btf): Set<TypeId> {
  const ids = new Set<TypeId>();
  for (let id = 1; id < btf.length; id++) {
    if (btf.kind(id) !== "func") continue;
    const func = btf.type(id);
    if (func.kind === "func" && func.linkage === "extern") ids.add(func.type);
  }
  return ids;
}

function nameParameters(prototype: BtfFuncProto): BtfFuncProto {
  const params = prototype.params.map((param, i) => ({
    ...param,
    name: param.name === "" && param.type !== 0 ? `arg${i + 1}` : param.name,
  }));
  return { ...prototype, params };
}

function prepare(type: BtfType, btf: Btf, object: ObjectSpec): BtfType {
  switch (type.kind) {
    case "var":
      return type.linkage === "extern" ? { ...type, linkage: "global" } : type;
    case "func":
      return type.linkage === "extern" ? { ...type, linkage: "global" } : type;
    case "datasec":
      return prepareDatasec(type, btf, object);
    case "enum":
      // A forward declaration, which the kernel knows for structs only.
      return type.size === 0 ? { ...type, size: 4 } : type;
    default:
      return type;
  }
}

/** Compilers leave a section's size and its variables' offsets to the loader. */
function prepareDatasec(section: BtfDatasec, btf: Btf, object: ObjectSpec): BtfType {
  if (section.name === KSYMS) {
    // Kernel symbols have no place in the object; functions aren't even allowed in a section. Nothing refers to it, and
    // the symbols' variables, whose own types may be ones that no variable can have (void), are made of this instead.
    return { kind: "int", name: "ksyms", size: 1, encoding: "unsigned", bitOffset: 0, bits: 8 };
  }
  const places = section.size === 0 ? placesIn(section, object) : undefined;
  const data = [...object.maps.values()].find((map) => map.dataSection === section.name);
  let end = 0;
  const variables = section.variables.map((variable) => {
    const size = variable.size || (btf.size(variable.type) ?? 0);
    const known = places?.get(btf.name(variable.type));
    const offset = section.size !== 0 ? variable.offset : (known ?? end);
    end = Math.max(end, offset + size);
    return { ...variable, offset, size };
  });
  variables.sort((a, b) => a.offset - b.offset);
  return { ...section, size: section.size || Math.max(data?.valueSize ?? 0, end, 1), variables };
}

function placesIn(section: BtfDatasec, object: ObjectSpec): Map<string, number> {
  const places = new Map<string, number>();
  if (section.name === ".kconfig") for (const { name, offset } of object.kconfig) places.set(name, offset);
  for (const variable of object.variables.values()) {
    if (object.maps.get(variable.map)?.dataSection === section.name) places.set(variable.name, variable.offset);
  }
  return places;
}

function btfFeatures(has: (feature: Feature) => boolean): BtfFeatures {
  return {
    functions: has("btfFunctions"),
    datasec: has("btfDatasec"),
    globalFunctions: has("btfGlobalFunctions"),
    float: has("btfFloat"),
    declTags: has("btfDeclTags"),
    typeTags: has("btfTypeTags"),
    enum64: has("btfEnum64"),
    attributes: has("btfAttributes"),
  };
}
