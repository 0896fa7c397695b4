import { BpfCall } from "./bpf.js";
import { syscallError } from "./errno.js";
import { NativeBuffer, textOf } from "./memory.js";

/** What the kernel says about a map (`struct bpf_map_info`). Sizes in bytes. */
export interface KernelMapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** At most 15 bytes. */
  readonly name: string;
  /** BTF object with the types; 0 without. */
  readonly btfId: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  readonly vmlinuxValueTypeId: number;
  readonly mapExtra: bigint;
}

/** What the kernel says about a program (`struct bpf_prog_info`), without the instruction dumps. */
export interface KernelProgramInfo {
  readonly type: number;
  readonly id: number;
  /** 8 bytes of a hash over the instructions, in hex. */
  readonly tag: string;
  /** Bytes of native code; 0 when interpreted. */
  readonly jitedSize: number;
  /** Bytes of instructions after the verifier's rewriting. */
  readonly xlatedSize: number;
  /** Nanoseconds since boot. */
  readonly loadTime: bigint;
  readonly createdByUid: number;
  /** At most 15 bytes. */
  readonly name: string;
  readonly gplCompatible: boolean;
  readonly btfId: number;
  /** Nanoseconds in the program, counted while statistics are enabled. */
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly recursionMisses: bigint;
  readonly verifiedInsns: number;
  readonly mapCount: number;
}

/**
 * BPF_OBJ_GET_INFO_BY_FD into a zeroed buffer of `size` bytes. `prepare` fills in where the kernel should put the
 * variable parts.
 *
 * @throws SyscallError
 */
export function objectInfo(fd: number, size: number, prepare?: (view: DataView) => void): NativeBuffer {
  const info = new NativeBuffer(size);
  prepare?.(info.view);
  const result = new BpfCall("BPF_OBJ_GET_INFO_BY_FD", { bpf_fd: fd, info_len: size, info: info.address }).try();
  if (result < 0) throw syscallError("BPF_OBJ_GET_INFO_BY_FD", -result);
  return info;
}

export const MAP_INFO_SIZE = 104;
export const PROGRAM_INFO_SIZE = 232;
export const BTF_INFO_SIZE = 32;
export const LINK_INFO_SIZE = 64;

/** @throws SyscallError EINVAL or EBADF when `fd` is no map. */
export function mapInfo(fd: number): KernelMapInfo {
  const { view, bytes } = objectInfo(fd, MAP_INFO_SIZE);
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    keySize: view.getUint32(8, true),
    valueSize: view.getUint32(12, true),
    maxEntries: view.getUint32(16, true),
    flags: view.getUint32(20, true),
    name: textOf(bytes.subarray(24, 40)),
    vmlinuxValueTypeId: view.getUint32(44, true),
    btfId: view.getUint32(64, true),
    keyTypeId: view.getUint32(68, true),
    valueTypeId: view.getUint32(72, true),
    mapExtra: view.getBigUint64(80, true),
  };
}

/** @throws SyscallError EINVAL or EBADF when `fd` is no program. */
export function programInfo(fd: number): KernelProgramInfo {
  return readProgramInfo(objectInfo(fd, PROGRAM_INFO_SIZE));
}

/** The fields of a `struct bpf_prog_info`. */
export function readProgramInfo({ view, bytes }: NativeBuffer): KernelProgramInfo {
  return {
    type: view.getUint32(0, true),
    id: view.getUint32(4, true),
    tag: Buffer.from(bytes.subarray(8, 16)).toString("hex"),
    jitedSize: view.getUint32(16, true),
    xlatedSize: view.getUint32(20, true),
    loadTime: view.getBigUint64(40, true),
    createdByUid: view.getUint32(48, true),
    mapCount: view.getUint32(52, true),
    name: textOf(bytes.subarray(64, 80)),
    gplCompatible: (view.getUint32(84, true) & 1) !== 0,
    btfId: view.getUint32(128, true),
    runTimeNs: view.getBigUint64(192, true),
    runCount: view.getBigUint64(200, true),
    recursionMisses: view.getBigUint64(208, true),
    verifiedInsns: view.getUint32(216, true),
  };
}
