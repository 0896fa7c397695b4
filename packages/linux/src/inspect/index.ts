export { type BtfDetails, btfDetails } from "./btf-details.js";
export { type CgroupHook, cgroupHooks } from "./cgroup.js";
export { fdInfo } from "./fdinfo.js";
export { btfIds, linkIds, mapIds, programIds } from "./ids.js";
export {
  type IteratorTarget,
  type KprobesLink,
  type LinkDetails,
  linkDetails,
  type PerfEventLink,
  type UprobesLink,
} from "./link-details.js";
export { type LinkInfo, type LinkType, linkInfo, linkTypes } from "./link-info.js";
export { type MapDetails, mapDetails } from "./map-details.js";
export {
  flowDissectors,
  type NetworkDevice,
  networkDevices,
  type TrafficFilter,
  trafficFilters,
  type XdpOnDevice,
} from "./network.js";
export { kindOfFd, type ObjectKind, openById, openPinned, type PinnedObject, tryOpenById } from "./open.js";
export { type PerfAttachment, perfAttachments } from "./perf.js";
export { bpfMounts, type Pin, pins } from "./pins.js";
export { type ProgramDetails, programDetails } from "./program-details.js";
export { dumpProgram, type ProgramDump } from "./program-dump.js";
export { type LineInfoRecord, type ProgramLayout, programLayout } from "./program-layout.js";
export { type HookQuery, queryCgroup, queryTcx } from "./query.js";
export { enableStatistics } from "./statistics.js";
