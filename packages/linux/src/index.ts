export { kernelProblem } from "./availability.js";
export * from "./host/index.js";
export * from "./oracle/index.js";
export { errnoName, type KernelMapInfo, type KernelProgramInfo, NetworkNamespace } from "./sys/index.js";
