import { E2BIG, EINVAL, ENOSPC, type ProgramType } from "../abi/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, RUN_EXIT, type RunContext } from "../runtime/index.js";
import { failure } from "./failure.js";
import { runError } from "./fault-error.js";
import type { MachineProgram } from "./machine-program.js";

/** Bytes of context that are looked at, of whatever kernel the caller takes it from. */
const CONTEXT_MAX = 4096;

export const COMMAND = "BPF_PROG_TEST_RUN";

/** Carries out test runs of some program types as the kernel does. One object serves them all, one after the other. */
export interface TestRunner {
  readonly types: readonly ProgramType[];
  run(program: MachineProgram, options: TestRunOptions): TestRunResult;
  close(): void;
}

/** The kernel's refusal of a test run. */
export function refuse(reason: string, errno: number = EINVAL): never {
  throw failure(COMMAND, errno, reason);
}

/**
 * The context that was given, at the full size of its struct; what a longer one has beyond must be zero.
 *
 * @throws SyscallError E2BIG
 */
export function readContext(options: TestRunOptions, size: number): Uint8Array | undefined {
  if (options.context === undefined) return undefined;
  if (options.context.length > CONTEXT_MAX) refuse("the context is absurdly large", E2BIG);
  if (options.context.subarray(size).some((byte) => byte !== 0)) refuse("the context is of a newer kernel", E2BIG);
  const context = new Uint8Array(size);
  context.set(options.context.subarray(0, size));
  return context;
}

/** Runs a program `repeat` times on one context, as the last run left it. Returns the mean time in nanoseconds. */
export function repeatRun(
  environment: Environment,
  program: MachineProgram,
  context: RunContext,
  repeat: number,
): number {
  const { runtime } = environment;
  const started = now();
  const times = Math.max(1, repeat);
  // What the last run wants with the packet is what counts, so that one is a run of its own.
  let status = times === 1 ? RUN_EXIT : program.executeRepeatedly(runtime, context, times - 1);
  if (status === RUN_EXIT) {
    environment.redirect.clear();
    status = program.execute(runtime, context);
  }
  if (status !== RUN_EXIT) throw runError(runtime, program, status);
  return Math.round(((now() - started) * 1e6) / times);
}

/** @throws SyscallError ENOSPC when the packet doesn't fit into what the caller has room for. */
export function checkOutput(options: TestRunOptions, length: number): void {
  if (options.outputSize !== undefined && options.outputSize < length) {
    refuse(`the packet has ${length} bytes after the run`, ENOSPC);
  }
}

const clock = (globalThis as unknown as { performance: { now(): number } }).performance;

function now(): number {
  return clock.now();
}
