export { AllocatedObjects, type ObjectLayout } from "./allocated-objects.js";
export { createArgumentGuard, type MapSizes } from "./argument-guard.js";
export { callFrames } from "./call-frames.js";
export { type Clock, ManualClock, SystemClock } from "./clock.js";
export * from "./contexts/index.js";
export { ancestorOf, type ControlGroup } from "./control-group.js";
export {
  type CallTables,
  calledHelper,
  type DecodedProgram,
  decodeProgram,
  InvalidProgramError,
  targetOf,
} from "./decoded-program.js";
export { type CgroupRun, Environment, type EnvironmentOptions, type SentSignal } from "./environment.js";
export {
  type ArenaWindow,
  type Engine,
  type Executable,
  functionRecord,
  NO_ENTRY,
  type ProgramEntries,
  type ProgramImage,
  programRecord,
} from "./executable.js";
export {
  AREA_ALIGNMENT,
  AREA_SIZE,
  area,
  FRAME_SIZE,
  frame,
  MAX_CALL_FRAMES,
  MAX_TAIL_CALLS,
  STACK_SIZE,
} from "./execution-area.js";
export { keysHash, tupleHash } from "./flow-hash.js";
export { type ArgumentGuard, type Helper, type HelperFunction, HelperTable } from "./helper-table.js";
export { storageKey } from "./helpers/cgroup.js";
export { installHelpers } from "./helpers/index.js";
export { KernelBytes, KernelMemory, KernelObject, type KernelValue } from "./kernel-object.js";
export { KernelSymbols } from "./kernel-symbols.js";
export { installKfuncs, MISSING_KFUNC } from "./kfuncs/index.js";
export {
  type Neighbour,
  type NetworkDevice,
  type NetworkSocket,
  NetworkTables,
  type Route,
} from "./network-tables.js";
export type { PacketContext } from "./packet-context.js";
export { packetLoader } from "./packet-loader.js";
export { type BatchFailure, PacketRing, ringEntry, ringHeader } from "./packet-ring.js";
export { Random } from "./random.js";
export { RedirectTarget } from "./redirect-target.js";
export { defineRegionCheck, type RegionCheck } from "./region-check.js";
export { RegionTable, regionEntry, regionHeader } from "./region-table.js";
export {
  FAULT_ACCESS,
  FAULT_CALL_DEPTH,
  FAULT_CALL_TARGET,
  FAULT_HELPER,
  FAULT_NO_EXIT,
  FAULT_READ_ONLY,
  FAULT_THROWN,
  type Fault,
  type FaultReason,
  faultReasons,
  RUN_BUDGET,
  RUN_EXIT,
  RUN_FAULT,
  RUN_STOPPED,
  type RunResult,
  type RunStatus,
} from "./run-result.js";
export { NO_CONTEXT, type Run, type RunContext } from "./run-stack.js";
export { type PacketLoader, Runtime } from "./runtime.js";
export { SeqFile } from "./seq-file.js";
export { carriedProtocol, ETH_HLEN, SKB_MAX_LENGTH, SkbContext, skBuff } from "./skb-context.js";
export { SocketViews } from "./socket-views.js";
export type { Task } from "./task.js";
export { TaskObjects } from "./task-objects.js";
export type { TcpInfo } from "./tcp-info.js";
export { type Timer, type TimerHolds, Timers } from "./timers.js";
export { NO_EVENT, TracingContext, type TracingEvent } from "./tracing-context.js";
export type { TunnelInfo } from "./tunnel-info.js";
export {
  MAY_GOTO_FLOOR_SHIFT,
  MAY_GOTO_ROUNDS,
  wasmArithmetic,
  wasmComparisons,
  wasmDivision,
} from "./wasm-operators.js";
export {
  XDP_FRAME_BYTES,
  XDP_FRAME_SIZE,
  XDP_FRAME_TAIL,
  XDP_HEADROOM,
  XDP_LINEAR_MAX,
  XDP_PACKET_MAX,
  XdpContext,
  xdpMd,
} from "./xdp-context.js";
