import { type KernelMapInfo, mapInfo, objectInfo } from "../sys/index.js";
import { MAP_INFO_SIZE } from "../sys/object-info.js";
import { fdInfo, fdNumber } from "./fdinfo.js";

/** What is known about a map. */
export interface MapDetails extends KernelMapInfo {
  /** Bytes that are charged for it; undefined where the kernel does not say. */
  readonly memlock: number | undefined;
  /** Closed for writing from user space. Since 5.2. */
  readonly frozen: boolean;
  /** Of prog arrays: the type of programs that they hold, a number. */
  readonly ownerProgramType: number | undefined;
  readonly ownerJited: boolean | undefined;
  /** Device that it is bound to; 0 without. */
  readonly interfaceIndex: number;
}

/** @throws SyscallError EBADF or EINVAL when `fd` is no map. */
export function mapDetails(fd: number): MapDetails {
  const proc = fdInfo(fd);
  const jited = fdNumber(proc, "owner_jited");
  return {
    ...mapInfo(fd),
    memlock: fdNumber(proc, "memlock"),
    frozen: proc.get("frozen") === "1",
    ownerProgramType: fdNumber(proc, "owner_prog_type"),
    ownerJited: jited === undefined ? undefined : jited !== 0,
    interfaceIndex: objectInfo(fd, MAP_INFO_SIZE).view.getUint32(40, true),
  };
}
