import { type KernelProgramInfo, objectInfo, programInfo } from "../sys/index.js";
import { PROGRAM_INFO_SIZE } from "../sys/object-info.js";
import { fdInfo, fdNumber } from "./fdinfo.js";
import { dumpProgram } from "./program-dump.js";

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

/** @throws SyscallError EBADF or EINVAL when `fd` is no program. */
export function programDetails(fd: number): ProgramDetails {
  const info = programInfo(fd);
  const { view } = objectInfo(fd, PROGRAM_INFO_SIZE);
  return {
    ...info,
    mapIds: info.mapCount === 0 ? [] : dumpProgram(fd).mapIds,
    memlock: fdNumber(fdInfo(fd), "memlock"),
    interfaceIndex: view.getUint32(80, true),
    attachBtfObjectId: view.getUint32(220, true),
    attachBtfId: view.getUint32(224, true),
  };
}
