export { type CoreRelocation, type CoreRelocationKind, coreRelocationKinds } from "./core-relocation.js";
export { createMap, createObject, createProgram } from "./create.js";
export { type KconfigValue, kconfigData } from "./kconfig.js";
export type { MapEntry, MapSpec, StructOpsSpec } from "./map.js";
export { type KconfigSpec, type ObjectSpec, requireLittleEndian, type VariableSpec } from "./object.js";
export type { FunctionRecord, LineRecord, ProgramSpec, Reference, UntypedProgramSpec } from "./program.js";
