export { runningKconfig } from "./kconfig-data.js";
export { Linux } from "./linux.js";
export { LinuxMap } from "./linux-map.js";
export { LinuxProgram } from "./linux-program.js";
export {
  BtfHandle,
  LinkHandle,
  type LiveHandles,
  LiveKernel,
  MapHandle,
  ProgramHandle,
} from "./live-kernel.js";
export type { LinuxLoadOptions } from "./load-options.js";
export { arenaMemory, MappedArray } from "./mapped-memory.js";
