import { type KernelProgramInfo, NativeBuffer, objectInfo, programInfo, setU64 } from "../sys/index.js";
import { PROGRAM_INFO_SIZE } from "../sys/object-info.js";

/** A program as the kernel has it. */
export interface ProgramDump {
  readonly info: KernelProgramInfo;
  /** Instructions after the verifier's rewriting; empty without CAP_BPF, or with kernel.bpf_jit_harden for others. */
  readonly xlated: Uint8Array;
  /** Native code; empty where it is not compiled or not shown. */
  readonly jited: Uint8Array;
  /** Maps that it refers to. */
  readonly mapIds: readonly number[];
}

/** Everything about a program, its code included. @throws SyscallError */
export function dumpProgram(fd: number): ProgramDump {
  const info = programInfo(fd);
  const xlated = new NativeBuffer(info.xlatedSize);
  const jited = new NativeBuffer(info.jitedSize);
  const maps = new NativeBuffer(info.mapCount * 4);
  const { view } = objectInfo(fd, PROGRAM_INFO_SIZE, (fields) => {
    fields.setUint32(16, jited.length, true);
    fields.setUint32(20, xlated.length, true);
    setU64(fields, 24, jited.length === 0 ? 0 : jited.address);
    setU64(fields, 32, xlated.length === 0 ? 0 : xlated.address);
    fields.setUint32(52, info.mapCount, true);
    setU64(fields, 56, maps.length === 0 ? 0 : maps.address);
  });
  // What the kernel does not show it answers with a null pointer or a length of 0.
  const shown = (buffer: NativeBuffer, pointerAt: number) =>
    view.getBigUint64(pointerAt, true) === 0n ? new Uint8Array(0) : buffer.bytes;
  return {
    info,
    xlated: shown(xlated, 32),
    jited: shown(jited, 24),
    mapIds: Array.from({ length: Math.min(info.mapCount, view.getUint32(52, true)) }, (_, i) =>
      maps.view.getUint32(i * 4, true),
    ),
  };
}
