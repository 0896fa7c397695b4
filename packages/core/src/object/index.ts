export { type AssembleElfOptions, assembleElf } from "./assembled-object.js";
export { POISON_HELPER } from "./core-patch.js";
export { applyCoreRelocations, type CoreResolution, relocateForTarget } from "./core-relocation.js";
export type { LinkFile } from "./link-input.js";
export { minimalBtf } from "./minimal-btf.js";
export type { TypeChoice } from "./program-types.js";
export { type ReadObjectOptions, readObject } from "./read-object.js";
export { linkObjects } from "./static-linker.js";
