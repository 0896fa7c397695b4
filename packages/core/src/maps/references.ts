import { EBADF } from "../abi/index.js";
import type { LiveMap } from "./live-map.js";

/** Something outside of the map that an entry refers to. */
export interface Reference {
  /** What the runtime runs or sends to; not 0. It goes to {@link handleSlot}.HANDLE. */
  readonly handle: number;
  /** What user space and programs read: the id of a program (0 for a device without one), a socket's cookie ... */
  readonly id: number;
}

/** What user space wrote as a value. */
export interface ReferenceRequest {
  /** File descriptor of a program, socket, perf event or cgroup; ifindex in device maps; queue size in CPU maps. */
  readonly target: number;
  /** File descriptor of the program that device and CPU maps run behind; undefined for none. */
  readonly program: number | undefined;
}

/**
 * What values of some map types name, which the machine around the maps knows: file descriptors (in its own numbering),
 * devices, sockets. References that it hands out count until they are released.
 */
export interface MapReferences {
  /** The map behind a file descriptor, with a reference more; -EBADF, or -EINVAL where it is no map. */
  acquireMap(fd: number): LiveMap | number;
  releaseMap(map: LiveMap): void;
  /** A reference, or the negative errno that the kernel answers with. `index` is the entry's, 0 in hashes. */
  acquire(map: LiveMap, index: number, request: ReferenceRequest): Reference | number;
  release(map: LiveMap, handle: number): void;
}

/** There is nothing to refer to. */
export const noReferences: MapReferences = {
  acquireMap: () => -EBADF,
  releaseMap: () => {},
  acquire: () => -EBADF,
  release: () => {},
};
