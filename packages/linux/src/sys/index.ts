export { type AttrField, type AttrFieldName, type BpfCommand, bpfCommands } from "./attributes.js";
export { type Attr, type AttrValue, BpfCall, bpf } from "./bpf.js";
export { btfFdById, loadBtf } from "./btf-load.js";
export { onlineCpus, parseCpuList, possibleCpus } from "./cpus.js";
export { ENOTSUPP, errnoName, errnos, syscallError } from "./errno.js";
export { closedError, duplicate, FileDescriptor } from "./file-descriptor.js";
export { lastErrno, libc } from "./libc.js";
export { createMap, type MapCreate } from "./map-create.js";
export { elementCommands, MapElements } from "./map-elements.js";
export { allocatePages, mapMemory, mapMemoryAt, OwnedMapping, PAGE_SIZE } from "./mapping.js";
export { addressOf, cString, keepAlive, NativeBuffer, setU64, textOf, viewOf } from "./memory.js";
export { inSandboxNamespace, NetworkNamespace } from "./network-namespace.js";
export { type KernelMapInfo, type KernelProgramInfo, mapInfo, objectInfo, programInfo } from "./object-info.js";
export { openReadOnly } from "./open.js";
export { enablePerfEvent, openPerfEvent } from "./perf-event.js";
export {
  type Capability,
  capabilities,
  hasCapability,
  isFiltered,
  lockdownMode,
  lockedMemoryLimit,
  readSetting,
} from "./permissions.js";
export { syscallNumbers } from "./platform.js";
export { type InfoRecords, loadProgram, type ProgramLoad, type ProgramLoadResult } from "./program-load.js";
export { type ProgramStream, readProgramStream } from "./program-stream.js";
export { fdOf } from "./target-fd.js";
export { runProgram, type TestRun, type TestRunResult } from "./test-run.js";
export { withCapabilities } from "./thread-capabilities.js";
export { BpfToken, useToken } from "./token.js";
