export { BpfFilesystem, type FileUser, type PinEntry, type Pinnable, type PinStatus } from "./bpf-filesystem.js";
export { Cgroup, type CgroupAttachOptions, type CgroupSharing, CgroupTree } from "./cgroup/index.js";
export { type Credentials, ROOT } from "./credentials.js";
export { RunError } from "./fault-error.js";
export { Machine } from "./machine.js";
export { MachineHooks } from "./machine-hooks.js";
export { type LinkPlace, MachineLink, type MachineLinkKind } from "./machine-link.js";
export { MachineMap } from "./machine-map.js";
export type { MachineOptions } from "./machine-options.js";
export { MachineProgram } from "./machine-program.js";
export {
  BridgeDevice,
  type BridgeOptions,
  CaptureDevice,
  type CaptureDeviceOptions,
  type Datagram,
  Device,
  type DeviceCounters,
  type DeviceOptions,
  type DeviceReference,
  LoopbackDevice,
  Namespace,
  Network,
  type NetworkEvent,
  PacketSocket,
  Socket,
  type SocketAddress,
  TcpSocket,
  UdpSocket,
  VethDevice,
  type VethEnd,
  VlanDevice,
  XdpSocket,
} from "./network/index.js";
export type { MachineLoadOptions } from "./object-loader.js";
export { nicLimits, SimulatedNic } from "./offload/index.js";
export { type BatchedPacket, PacketBatch } from "./packet-batch.js";
export { type PacketOutcome, PacketRunner } from "./packet-runner.js";
export type { PinnedObject } from "./pinned-object.js";
export type { ProgramInfo } from "./program-object.js";
export { Sysctls } from "./sysctls.js";
export {
  type CallOptions,
  type CallResult,
  type EventSurroundings,
  type FiredRun,
  KernelEvents,
  MachineIteratorLink,
  type MachineIteratorOptions,
  type PerfSample,
  type Registers,
  registerNames,
} from "./tracing/index.js";
export type { TranslationOptions } from "./translating-engine.js";
