export { ArenaMap } from "./arena-map.js";
export { ArrayMap, PerCpuArrayMap, readIndex, writeIndex } from "./array-map.js";
export { checkAttributes } from "./attribute-rules.js";
export type { MapAttributes, ValueField } from "./attributes.js";
export { CgroupStorageMap } from "./cgroup-storage-map.js";
export { createMap, type Surroundings } from "./create-map.js";
export { DescriptorArrayMap, HandleArrayMap } from "./handle-array-map.js";
export { HashMap } from "./hash-map.js";
export {
  element,
  handleSlot,
  hashSlot,
  MAP_HEADER_SIZE,
  mapHeader,
  ringBlock,
  trieNode,
} from "./layout.js";
export { type BatchResult, LiveMap } from "./live-map.js";
export { LocalStorageMap } from "./local-storage-map.js";
export { type LookupFunction, lookupFunction } from "./lookup-function.js";
export { LpmTrieMap } from "./lpm-trie-map.js";
export { MapCore, type MapCoreExports, type MapCoreOptions } from "./map-core.js";
export { ArrayOfMaps, HandleHashMap, HashOfMaps } from "./map-in-map.js";
export { PerfEventArrayMap, type PerfEventSink } from "./perf-event-array-map.js";
export { BloomFilterMap, QueueMap } from "./queue-map.js";
export { DeviceHashMap, RedirectArrayMap, XskMap } from "./redirect-map.js";
export { type MapReferences, noReferences, type Reference, type ReferenceRequest } from "./references.js";
export { RingBufferMap, UserRingBufferMap } from "./ring-buffer-map.js";
export { SocketArrayMap, SocketHashMap } from "./socket-map.js";
export { StackTraceMap } from "./stack-trace-map.js";
