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

/**
 * BPF_PROG_TEST_RUN on a loaded program.
 *
 * @returns the result, or the negative errno.
 */
export function runProgram(fd: number, run: TestRun): TestRunResult | number {
  const dataOut = new Uint8Array(run.data === undefined ? 0 : (run.outputSize ?? run.data.length + HEADROOM));
  const contextOut = new Uint8Array(run.context?.length ?? 0);
  const call = new BpfCall("BPF_PROG_TEST_RUN", {
    prog_fd: fd,
    data_in: run.data,
    data_size_in: run.data?.length,
    data_out: dataOut,
    data_size_out: dataOut.length,
    ctx_in: run.context,
    ctx_size_in: run.context?.length,
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
    context: contextOut.slice(0, Math.min(call.get("ctx_size_out"), contextOut.length)),
  };
}
