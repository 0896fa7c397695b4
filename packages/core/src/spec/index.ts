export { type CoreRelocation, type CoreRelocationKind, coreRelocationKinds } from "./core-relocation.js";
export type { MapEntry, MapSpec } from "./map.js";
export type { KconfigSpec, ObjectSpec, VariableSpec } from "./object.js";
export type { FunctionRecord, LineRecord, ProgramSpec, Reference } from "./program.js";
