import type { ProgramType } from "../abi/index.js";
import type { ProgramSpec } from "../spec/index.js";

/** What to run a program on. Mirrors the `test` part of `union bpf_attr`. */
export interface TestRunOptions {
  /** Packet bytes; not changed by the run. Left out for program types that take none (syscall, raw tracepoint). */
  readonly data?: Uint8Array | undefined;
  /** Context in its UAPI layout (`struct __sk_buff`, `struct xdp_md` ...), for types that take one. */
  readonly context?: Uint8Array | undefined;
  /**
   * Runs, 1 by default. The kernel's rules hold: the packet is *not* reset between runs, and the result is that of the
   * last one.
   */
  readonly repeat?: number | undefined;
  /** BPF_F_TEST_RUN_ON_CPU, BPF_F_TEST_XDP_LIVE_FRAMES ... */
  readonly flags?: number | undefined;
  /** CPU to run on, with BPF_F_TEST_RUN_ON_CPU (raw tracepoints). */
  readonly cpu?: number | undefined;
  /** Room for the packet after the run, in bytes; the default leaves as much as a program can grow it. */
  readonly outputSize?: number | undefined;
}

/** What a test run left behind. */
export interface TestRunResult {
  /** The program's verdict: r0 as a u32. */
  readonly retval: number;
  /** The packet after the run, a copy; empty where the program type has none. */
  readonly data: Uint8Array;
  /** The context after the run, where one was given; else empty. */
  readonly context: Uint8Array;
  /** Mean time of one run in whole nanoseconds, as the kernel reports it. */
  readonly duration: number;
}

/** A program that a host has accepted. */
export interface Program {
  /** At full length; a kernel keeps 15 bytes of it. */
  readonly name: string;
  readonly type: ProgramType;
  /** The host's id of the program, from 1. */
  readonly id: number;
  /** What was loaded, before the host patched its references. */
  readonly spec: ProgramSpec;
  /** The verifier's log, where one was asked for; else empty. */
  readonly log: string;

  /**
   * Runs the program as BPF_PROG_TEST_RUN does.
   *
   * @throws SyscallError EINVAL for a packet under 14 bytes or a context the type doesn't take, ENOTSUPP (524) for
   * program types that have no test run, ENOSPC for an `outputSize` that is too small.
   */
  testRun(options?: TestRunOptions): TestRunResult;

  /** Gives up this handle. The program lives on while a link, a prog array or a pin holds it. Twice is harmless. */
  close(): void;
  [Symbol.dispose](): void;
}
