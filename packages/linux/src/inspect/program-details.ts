import { type KernelProgramInfo, NativeBuffer, objectInfo, setU64 } from "../sys/index.js";
import { PROGRAM_INFO_SIZE, readProgramInfo } from "../sys/object-info.js";
import { fdInfo, fdNumber } from "./fdinfo.js";

/** What is known about a program beside its code. */
export interface ProgramDetails extends KernelProgramInfo {
  readonly mapIds: readonly number[];
  /** Bytes that are charged for it; undefined where the kernel does not say. */
  readonly memlock: number | undefined;
  /** Device that it is bound to; 0 without. */
  readonly interfaceIndex: number;
  /** What a tracing, LSM or ext program was loaded for: a BTF object (0: none) and a type in it. */
  readonly attachBtfObjectId: number;
  readonly attachBtfId: number;
}

/** Ids of maps that the first call leaves room for: more than most programs have. */
const USUAL_MAPS = 16;
const MAP_COUNT = 52;
const MAP_IDS = 56;

function infoWithMaps(fd: number, maps: NativeBuffer): NativeBuffer {
  return objectInfo(fd, PROGRAM_INFO_SIZE, (fields) => {
    fields.setUint32(MAP_COUNT, maps.length / 4, true);
    setU64(fields, MAP_IDS, maps.address);
  });
}

/** @throws SyscallError EBADF or EINVAL when `fd` is no program. */
export function programDetails(fd: number): ProgramDetails {
  let maps = new NativeBuffer(4 * USUAL_MAPS);
  let info = infoWithMaps(fd, maps);
  const count = info.view.getUint32(MAP_COUNT, true);
  if (count > USUAL_MAPS) {
    maps = new NativeBuffer(4 * count);
    info = infoWithMaps(fd, maps);
  }
  const { view } = info;
  const mapIds = Array.from({ length: Math.min(count, maps.length / 4) }, (_, i) => maps.view.getUint32(i * 4, true));
  return {
    ...readProgramInfo(info),
    mapIds,
    memlock: fdNumber(fdInfo(fd), "memlock"),
    interfaceIndex: view.getUint32(80, true),
    attachBtfObjectId: view.getUint32(220, true),
    attachBtfId: view.getUint32(224, true),
  };
}
