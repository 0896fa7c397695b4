export * from "./abi/index.js";
export * from "./base/index.js";
export * from "./btf/index.js";
export * from "./host/index.js";
export * from "./isa/index.js";
export * from "./object/index.js";
export * from "./spec/index.js";
export * from "./verifier/index.js";
