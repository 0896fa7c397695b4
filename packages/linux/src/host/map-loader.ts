import { BPF_F_MMAPABLE, mapTypeId, untypedMaps } from "@tsbpf/core/abi";
import { NotSupportedError, SyscallError } from "@tsbpf/core/base";
import type { MapSpec } from "@tsbpf/core/spec";
import { kindOfFd } from "../inspect/open.js";
import { createMap, errnos, FileDescriptor, type MapCreate, possibleCpus, syscallError } from "../sys/index.js";
import { hasFeature } from "./features.js";
import { kernelName } from "./kernel-name.js";
import { LinuxMap } from "./linux-map.js";
import { createPin, openPin, pinHint } from "./pinning.js";
import { type KernelInterface, StructOpsMap } from "./struct-ops.js";

const BPF_F_VTYPE_BTF_OBJ_FD = 1 << 15;
const PAGE_SIZE = 4096;

/** What maps are created with beside their spec. */
export interface MapContext {
  /** fd of the object's BTF in the kernel, where it has one. */
  readonly btfFd?: number | undefined;
  /** Index of the device whose hardware has the map. */
  readonly device?: number | undefined;
  /** For struct_ops: what the kernel has by that name. */
  readonly interface?: KernelInterface | undefined;
}

/**
 * Creates a map, without its contents.
 *
 * @throws SyscallError with the errno of BPF_MAP_CREATE.
 */
export function createLinuxMap(spec: MapSpec, context: MapContext = {}): LinuxMap {
  let inner: LinuxMap | undefined;
  try {
    if (spec.type === "array_of_maps" || spec.type === "hash_of_maps") {
      if (spec.inner === undefined) {
        throw syscallError(`BPF_MAP_CREATE of '${spec.name}'`, errnos.EINVAL, {
          hint: "a map of maps needs the type of its inner maps",
        });
      }
      inner = createLinuxMap(spec.inner, context);
    }
    const fd = createTyped({ ...toCreate(spec, inner), interfaceIndex: context.device }, spec, context);
    return spec.structOps === undefined
      ? new LinuxMap(fd, spec.name)
      : new StructOpsMap(fd, spec.name, spec.structOps.link);
  } finally {
    inner?.close();
  }
}

function toCreate(spec: MapSpec, inner: LinuxMap | undefined): MapCreate {
  if (spec.dataSection !== undefined && !hasFeature("globalData")) {
    throw new NotSupportedError(
      "global data",
      `map '${spec.name}' holds global data, which this kernel does not have`,
      "5.2",
    );
  }
  return {
    type: mapTypeId(spec.type),
    name: kernelName(spec.name),
    ...sizesOf(spec),
    maxEntries: entriesOf(spec),
    flags: flagsOf(spec),
    numaNode: spec.numaNode,
    mapExtra: spec.mapExtra,
    innerMapFd: inner?.fd,
  };
}

/** With the types of key and value where the kernel takes them, without where it does not. */
function createTyped(map: MapCreate, spec: MapSpec, context: MapContext): number {
  if (spec.type === "struct_ops") return createStructOps(map, context);
  const typed = (spec.keyTypeId !== 0 || spec.valueTypeId !== 0) && !untypedMaps.has(spec.type);
  if (!typed || context.btfFd === undefined) return createMap(map);
  try {
    return createMap({ ...map, btfFd: context.btfFd, keyTypeId: spec.keyTypeId, valueTypeId: spec.valueTypeId });
  } catch (error) {
    // Storage maps cannot be without; for the others the types are a convenience.
    if (!(error instanceof SyscallError) || error.errno === errnos.EPERM) throw error;
    try {
      return createMap(map);
    } catch {
      throw error;
    }
  }
}

function createStructOps(map: MapCreate, { btfFd, interface: target }: MapContext): number {
  if (target === undefined) {
    throw syscallError(`BPF_MAP_CREATE of '${map.name}'`, errnos.EINVAL, {
      hint: "a struct_ops map is made from an object with BTF",
    });
  }
  const { module } = target.valueType;
  return createMap({
    ...map,
    btfFd,
    valueSize: target.valueSize,
    vmlinuxValueTypeId: target.valueType.id,
    ...(module === undefined
      ? {}
      : { flags: (map.flags ?? 0) | BPF_F_VTYPE_BTF_OBJ_FD, valueTypeBtfFd: module.fd.number }),
  });
}

/** Sizes as the kernel wants them: a ring's or perf event array's value type is that of its events. */
function sizesOf({ type, keySize, valueSize }: MapSpec): { keySize: number; valueSize: number } {
  if (type === "ringbuf" || type === "user_ringbuf") return { keySize: 0, valueSize: 0 };
  return { keySize, valueSize: type === "perf_event_array" ? 4 : valueSize };
}

function entriesOf(spec: MapSpec): number {
  if (spec.type === "perf_event_array" && spec.maxEntries === 0) return possibleCpus();
  if ((spec.type === "ringbuf" || spec.type === "user_ringbuf") && spec.maxEntries > 0) {
    return ringSize(spec.maxEntries);
  }
  return spec.maxEntries;
}

/** The kernel takes powers of two of at least a page; objects may say less. */
function ringSize(bytes: number): number {
  let size = PAGE_SIZE;
  while (size < bytes) size *= 2;
  return size;
}

function flagsOf(spec: MapSpec): number {
  const keep = spec.dataSection === undefined || hasFeature("mmapableArrays");
  return keep ? spec.flags : spec.flags & ~BPF_F_MMAPABLE;
}

/** What a map that is to be pinned turned out to be. */
export interface PinnedMap {
  readonly map: LinuxMap;
  /** It was there already, and keeps its contents. */
  readonly reused: boolean;
}

/**
 * The map pinned at `path`, or a new one, pinned there.
 *
 * @throws SyscallError EINVAL when the pinned map is another kind of map.
 */
export function openOrPinMap(spec: MapSpec, path: string, context: MapContext): PinnedMap {
  for (;;) {
    const fd = openPin(path);
    if (fd !== undefined) return { map: reuse(fd, spec, path), reused: true };
    const map = createLinuxMap(spec, context);
    const result = createPin(path, map.fd);
    if (result === 0) return { map, reused: false };
    map.close();
    // Another process pinned its own in between: take that.
    if (result !== -errnos.EEXIST) {
      throw syscallError(`BPF_OBJ_PIN of map '${spec.name}' at ${path}`, -result, pinHint(path, -result));
    }
  }
}

function reuse(fd: number, spec: MapSpec, path: string): LinuxMap {
  const kind = kindOfFd(fd);
  if (kind !== "map") {
    new FileDescriptor(fd, path).close();
    throw syscallError(`BPF_OBJ_GET of ${path}`, errnos.EINVAL, {
      hint: `what is pinned there is a ${kind}, the object wants a map`,
    });
  }
  const map = new LinuxMap(fd, spec.name);
  const { info } = map;
  const wanted = {
    type: spec.type,
    ...sizesOf(spec),
    maxEntries: entriesOf(spec),
    flags: flagsOf(spec),
  };
  const differs = (Object.keys(wanted) as (keyof typeof wanted)[]).find((field) => info[field] !== wanted[field]);
  if (differs === undefined) return map;
  map.close();
  throw syscallError(`BPF_OBJ_GET of ${path}`, errnos.EINVAL, {
    hint: `the map pinned there has ${differs} ${info[differs]}, the object wants ${wanted[differs]}`,
  });
}
