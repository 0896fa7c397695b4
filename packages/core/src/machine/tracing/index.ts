export { MachineIteratorLink, type MachineIteratorOptions } from "./iterator.js";
export {
  type CallOptions,
  type CallResult,
  type EventSurroundings,
  type FiredRun,
  KernelEvents,
  type PerfSample,
  RAW_ARGUMENTS_SIZE,
} from "./kernel-events.js";
export { type Registers, registerNames } from "./registers.js";
export { implementationOf, StructOps } from "./struct-ops.js";
export { MachineTracingHooks } from "./tracing-hooks.js";
