import { EBADF, EINVAL, ENOMEM, errnoName, type MapType } from "../abi/index.js";
import { BpfError, NotSupportedError, SyscallError } from "../base/index.js";
import { ArenaMap } from "./arena-map.js";
import { ArrayMap, PerCpuArrayMap } from "./array-map.js";
import { checkAttributes } from "./attribute-rules.js";
import type { MapAttributes } from "./attributes.js";
import { CgroupStorageMap } from "./cgroup-storage-map.js";
import { DescriptorArrayMap } from "./handle-array-map.js";
import { HashMap } from "./hash-map.js";
import type { LiveMap } from "./live-map.js";
import { LocalStorageMap } from "./local-storage-map.js";
import { LpmTrieMap } from "./lpm-trie-map.js";
import type { MapCore } from "./map-core.js";
import { ArrayOfMaps, checkInner, HashOfMaps } from "./map-in-map.js";
import { PerfEventArrayMap } from "./perf-event-array-map.js";
import { BloomFilterMap, QueueMap } from "./queue-map.js";
import { DeviceHashMap, RedirectArrayMap, XskMap } from "./redirect-map.js";
import { type MapReferences, noReferences } from "./references.js";
import { RingBufferMap, UserRingBufferMap } from "./ring-buffer-map.js";
import { SocketArrayMap, SocketHashMap } from "./socket-map.js";
import { StackTraceMap } from "./stack-trace-map.js";
import { StructOpsMap } from "./struct-ops-map.js";

type Constructor = (core: MapCore, attributes: MapAttributes, surroundings: Surroundings) => LiveMap;

/** What a map is made with besides its attributes. */
export interface Surroundings {
  /** Resolves what values refer to; without it such maps stay empty. */
  readonly references: MapReferences;
  /** For maps of maps: a map whose shape the inner maps must have. It isn't kept. */
  readonly inner?: LiveMap | undefined;
}

const constructors: Partial<Record<MapType, Constructor>> = {
  array: (core, attributes) => new ArrayMap(core, attributes),
  percpu_array: (core, attributes) => new PerCpuArrayMap(core, attributes),
  hash: (core, attributes) => new HashMap(core, attributes, { perCpu: false, lru: false }),
  percpu_hash: (core, attributes) => new HashMap(core, attributes, { perCpu: true, lru: false }),
  lru_hash: (core, attributes) => new HashMap(core, attributes, { perCpu: false, lru: true }),
  lru_percpu_hash: (core, attributes) => new HashMap(core, attributes, { perCpu: true, lru: true }),
  lpm_trie: (core, attributes) => new LpmTrieMap(core, attributes),
  queue: (core, attributes) => new QueueMap(core, attributes),
  stack: (core, attributes) => new QueueMap(core, attributes),
  bloom_filter: (core, attributes) => new BloomFilterMap(core, attributes),
  ringbuf: (core, attributes) => new RingBufferMap(core, attributes),
  user_ringbuf: (core, attributes) => new UserRingBufferMap(core, attributes),
  prog_array: (core, attributes, { references }) => new DescriptorArrayMap(core, attributes, references),
  cgroup_array: (core, attributes, { references }) => new DescriptorArrayMap(core, attributes, references),
  perf_event_array: (core, attributes, { references }) => new PerfEventArrayMap(core, attributes, references),
  array_of_maps: (core, attributes, { references, inner }) => new ArrayOfMaps(core, attributes, references, inner!),
  hash_of_maps: (core, attributes, { references, inner }) => new HashOfMaps(core, attributes, references, inner!),
  devmap: (core, attributes, { references }) => new RedirectArrayMap(core, attributes, references),
  cpumap: (core, attributes, { references }) => new RedirectArrayMap(core, attributes, references),
  devmap_hash: (core, attributes, { references }) => new DeviceHashMap(core, attributes, references),
  sockmap: (core, attributes, { references }) => new SocketArrayMap(core, attributes, references),
  reuseport_sockarray: (core, attributes, { references }) => new SocketArrayMap(core, attributes, references),
  sockhash: (core, attributes, { references }) => new SocketHashMap(core, attributes, references),
  stack_trace: (core, attributes) => new StackTraceMap(core, attributes),
  sk_storage: (core, attributes, { references }) => new LocalStorageMap(core, attributes, references),
  inode_storage: (core, attributes, { references }) => new LocalStorageMap(core, attributes, references),
  task_storage: (core, attributes, { references }) => new LocalStorageMap(core, attributes, references),
  cgrp_storage: (core, attributes, { references }) => new LocalStorageMap(core, attributes, references),
  cgroup_storage: (core, attributes) => new CgroupStorageMap(core, attributes),
  percpu_cgroup_storage: (core, attributes) => new CgroupStorageMap(core, attributes),
  arena: (core, attributes) => new ArenaMap(core, attributes),
  struct_ops: (core, attributes) => new StructOpsMap(core, attributes),
  xskmap: (core, attributes, { references }) => new XskMap(core, attributes, references),
};

/**
 * BPF_MAP_CREATE.
 *
 * @throws SyscallError with the errno that the kernel gives for the attributes (EINVAL, E2BIG, ENOTSUPP), ENOMEM when the
 * linear memory is exhausted.
 * @throws NotSupportedError for a type that lives in the kernel only.
 */
export function createMap(
  core: MapCore,
  attributes: MapAttributes,
  surroundings: Surroundings = { references: noReferences },
): LiveMap {
  const errno = checkAttributes(attributes) || checkInnerOf(attributes, surroundings.inner);
  if (errno !== 0) throw creationError(attributes, errno);
  const create = constructors[attributes.type];
  if (create === undefined)
    throw new NotSupportedError(attributes.type, `maps of type ${attributes.type} are not supported`);
  try {
    return core.creating(() => create(core, attributes, surroundings));
  } catch (cause) {
    if (cause instanceof BpfError && cause.code === "ENOMEM") throw creationError(attributes, ENOMEM, cause);
    throw cause;
  }
}

function checkInnerOf({ type }: MapAttributes, inner: LiveMap | undefined): number {
  if (type !== "array_of_maps" && type !== "hash_of_maps") return 0;
  return inner === undefined ? EBADF : checkInner(inner);
}

function creationError(attributes: MapAttributes, errno: number, cause?: unknown): SyscallError {
  const { type, name = "", keySize, valueSize, maxEntries, flags = 0 } = attributes;
  const errnoText = errnoName(errno);
  const why = errno === EINVAL ? "attributes that this type does not take" : errno === ENOMEM ? "no memory" : "refused";
  const what = `${type} map '${name}' (key ${keySize}, value ${valueSize} bytes, ${maxEntries} entries, flags ${flags})`;
  return new SyscallError(
    `${what}: ${why} (${errnoText})`,
    { command: "BPF_MAP_CREATE", errno, errnoName: errnoText },
    cause,
  );
}
