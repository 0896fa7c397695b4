import type { AttrValue } from "./bpf.js";
import { BpfCall } from "./bpf.js";
import { errnos } from "./errno.js";
import { NativeBuffer, textOf } from "./memory.js";
import { withoutSignals } from "./signals.js";
import { tokenInUse } from "./token.js";

/** BTF records beside the instructions (`struct bpf_func_info`, `struct bpf_line_info`). */
export interface InfoRecords {
  readonly bytes: Uint8Array;
  /** Bytes of one record; the kernel takes longer ones if the rest is zero. */
  readonly recordSize: number;
}

/** What BPF_PROG_LOAD takes, in the kernel's numbers. */
export interface ProgramLoad {
  readonly type: number;
  /** Little-endian slots with map and BTF fds in place. */
  readonly insns: Uint8Array;
  readonly name?: string | undefined;
  readonly license?: string | undefined;
  readonly flags?: number | undefined;
  readonly expectedAttachType?: number | undefined;
  readonly kernelVersion?: number | undefined;
  readonly btfFd?: number | undefined;
  readonly functions?: InfoRecords | undefined;
  readonly lines?: InfoRecords | undefined;
  /** Target of fentry, tp_btf, LSM, struct_ops, iterators: a BTF id in vmlinux unless a module or program is given. */
  readonly attachBtfId?: number | undefined;
  readonly attachBtfObjectFd?: number | undefined;
  readonly attachProgramFd?: number | undefined;
  /** fds that instructions name by index (module BTF of kfuncs at `offset`). */
  readonly fdArray?: Int32Array | undefined;
  /** Bind the programs to all maps in `fdArray` (6.14). */
  readonly fdArrayCount?: number | undefined;
  readonly interfaceIndex?: number | undefined;
  /** 0 none, 1 the path that was rejected, 2 all, +4 statistics. */
  readonly logLevel?: number | undefined;
}

/** What BPF_PROG_LOAD answered. */
export interface ProgramLoadResult {
  /** The program's fd, or the negative errno. */
  readonly result: number;
  /** Complete, whatever its size; empty at log level 0. */
  readonly log: string;
}

const MAX_LOG_SIZE = 0x3fff_ffff;
let logBuffer: NativeBuffer | undefined;

function attrOf(load: ProgramLoad): Readonly<Record<string, AttrValue>> {
  const token = tokenInUse();
  return {
    prog_type: load.type,
    expected_attach_type: load.expectedAttachType ?? 0,
    insns: load.insns,
    insn_cnt: load.insns.length / 8,
    license: load.license ?? "",
    prog_flags: (load.flags ?? 0) | token.flag,
    prog_name: load.name,
    kern_version: load.kernelVersion,
    prog_ifindex: load.interfaceIndex,
    prog_btf_fd: load.btfFd,
    func_info: load.functions?.bytes,
    func_info_rec_size: load.functions?.recordSize,
    func_info_cnt: countOf(load.functions),
    line_info: load.lines?.bytes,
    line_info_rec_size: load.lines?.recordSize,
    line_info_cnt: countOf(load.lines),
    attach_btf_id: load.attachBtfId,
    attach_btf_obj_fd: load.attachBtfObjectFd,
    attach_prog_fd: load.attachProgramFd,
    fd_array: load.fdArray,
    fd_array_cnt: load.fdArrayCount,
    prog_token_fd: token.fd,
  };
}

function countOf(records: InfoRecords | undefined): number | undefined {
  return records === undefined ? undefined : Math.floor(records.bytes.length / records.recordSize);
}

/**
 * BPF_PROG_LOAD. With a log level, the log's buffer grows until the kernel's log fits: it says the size itself since 6.4,
 * before that the buffer doubles. When a signal came in between (EAGAIN) it is tried again without.
 */
export function loadProgram(load: ProgramLoad): ProgramLoadResult {
  const call = new BpfCall("BPF_PROG_LOAD", attrOf(load));
  const level = load.logLevel ?? 0;
  if (level === 0) return { result: retried(call), log: "" };
  logBuffer ??= new NativeBuffer(1 << 20);
  let buffer = logBuffer;
  for (;;) {
    buffer.bytes[0] = 0;
    call.set("log_level", level).set("log_buf", buffer.address).set("log_size", buffer.length);
    const result = retried(call);
    const full = result === -errnos.ENOSPC;
    const wanted = Math.max(call.get("log_true_size"), full ? buffer.length * 2 : 0);
    if (!full || wanted <= buffer.length || buffer.length >= MAX_LOG_SIZE) return { result, log: textOf(buffer.bytes) };
    buffer = new NativeBuffer(Math.min(wanted + 4096, MAX_LOG_SIZE));
    // The next long log is likely to come from the same program; very long ones are not kept.
    if (buffer.length <= 1 << 24) logBuffer = buffer;
  }
}

/** The verifier gives up with EAGAIN when a signal comes. A profiler's come faster than a large program is verified. */
function retried(call: BpfCall<"BPF_PROG_LOAD">): number {
  const result = call.try();
  return result === -errnos.EAGAIN ? withoutSignals(() => call.try()) : result;
}
