export { Attachment, BpfLink, findUsdt, IteratorLink } from "./attach/index.js";
export { kernelProblem } from "./availability.js";
export { UserRing } from "./events/index.js";
export * from "./host/index.js";
export * from "./oracle/index.js";
export { errnoName, type KernelMapInfo, type KernelProgramInfo, NetworkNamespace } from "./sys/index.js";
