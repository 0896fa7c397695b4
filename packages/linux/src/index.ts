export * from "./af-xdp/index.js";
export { Attachment, BpfLink, findUsdt, IteratorLink, registerStructOps } from "./attach/index.js";
export {
  addClsactFilter,
  type ClsactFilter,
  createClsact,
  deleteClsact,
  deleteClsactFilter,
  setXdpProgram,
  xdpFlags,
} from "./attach/net-attach.js";
export { type AttachPoint, attachProgram, detachProgram } from "./attach/program-attach.js";
export { kernelProblem } from "./availability.js";
export * from "./doctor/index.js";
export { UserRing } from "./events/index.js";
export * from "./host/index.js";
export { readKernelConfig } from "./host/kernel-config.js";
export * from "./inspect/index.js";
export { networkInterfaceName } from "./netlink/index.js";
export * from "./oracle/index.js";
export * from "./probe/index.js";
export {
  type Attr,
  type AttrValue,
  BpfCall,
  type BpfCommand,
  BpfToken,
  bpf,
  bpfCommands,
  errnoName,
  type KernelMapInfo,
  type KernelProgramInfo,
  NetworkNamespace,
  type ProgramStream,
  readSetting,
  withCapabilities,
} from "./sys/index.js";
