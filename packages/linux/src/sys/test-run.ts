import type { ProgramType } from "@tsbpf/core/abi";
import { BpfCall } from "./bpf.js";

/** Input of BPF_PROG_TEST_RUN. Which of data and context a program type takes is the type's own matter. */
export interface TestRun {
  /** Packet bytes. */
  readonly data?: Uint8Array | undefined;
  /** `struct xdp_md`, `struct __sk_buff` ... or the raw context of a syscall or raw tracepoint program. */
  readonly context?: Uint8Array | undefined;
  /** Runs in a row; the packet is as the run before left it. */
  readonly repeat?: number | undefined;
  /** BPF_F_TEST_* */
  readonly flags?: number | undefined;
  /** With BPF_F_TEST_RUN_ON_CPU. */
  readonly cpu?: number | undefined;
  /** Frames a batch with BPF_F_TEST_XDP_LIVE_FRAMES. */
  readonly batchSize?: number | undefined;
  /** Bytes of room for the packet that comes out; default 64 KiB more than went in. 0 asks for none. */
  readonly outputSize?: number | undefined;
}

/** What BPF_PROG_TEST_RUN answered. */
export interface TestRunResult {
  /** What the program returned, as u32. */
  readonly retval: number;
  /** Mean time of a run in whole nanoseconds. */
  readonly duration: number;
  /** The packet afterwards; empty where the type has none. */
  readonly data: Uint8Array;
  readonly context: Uint8Array;
}

const HEADROOM = 1 << 16;
/** Room for any context to come out, also where a shorter one is given. */
const CONTEXT_ROOM = 256;
const BPF_F_TEST_XDP_LIVE_FRAMES = 1 << 1;

/** Types whose test run takes no room for a context to come out: the kernel says EINVAL to any. */
const withoutContextOut: ReadonlySet<ProgramType> = new Set(["raw_tracepoint", "tracing", "syscall"]);

/**
 * BPF_PROG_TEST_RUN on a loaded program.
 *
 * @param type The program's, where known. raw_tracepoint programs cannot change their context, and what a syscall program leaves in
 * its context comes back in the bytes that it was given in (a copy of the caller's).
 * @returns the result (with a context given, how it was left), or the negative errno.
 */
export function runProgram(fd: number, type: ProgramType | undefined, run: TestRun): TestRunResult | number {
  // Live frames go to where the program sends them: none comes back.
  const live = ((run.flags ?? 0) & BPF_F_TEST_XDP_LIVE_FRAMES) !== 0;
  const dataRoom = run.data === undefined || live ? 0 : (run.outputSize ?? run.data.length + HEADROOM);
  const dataOut = new Uint8Array(dataRoom);
  const context = run.context === undefined ? undefined : new Uint8Array(run.context);
  const contextOut = new Uint8Array(
    context === undefined || live || (type !== undefined && withoutContextOut.has(type))
      ? 0
      : Math.max(CONTEXT_ROOM, context.length),
  );
  const call = new BpfCall("BPF_PROG_TEST_RUN", {
    prog_fd: fd,
    data_in: run.data,
    data_size_in: run.data?.length,
    data_out: dataOut,
    data_size_out: dataOut.length,
    ctx_in: context,
    ctx_size_in: context?.length,
    ctx_out: contextOut,
    ctx_size_out: contextOut.length,
    repeat: run.repeat,
    flags: run.flags,
    cpu: run.cpu,
    batch_size: run.batchSize,
  });
  const result = call.try();
  if (result < 0) return result;
  return {
    retval: call.get("retval"),
    duration: call.get("duration"),
    data: dataOut.slice(0, Math.min(call.get("data_size_out"), dataOut.length)),
    context:
      contextOut.length === 0
        ? (context ?? contextOut)
        : contextOut.slice(0, Math.min(call.get("ctx_size_out"), contextOut.length)),
  };
}
