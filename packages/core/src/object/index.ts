export type { TypeChoice } from "./program-types.js";
export { type ReadObjectOptions, readObject } from "./read-object.js";
