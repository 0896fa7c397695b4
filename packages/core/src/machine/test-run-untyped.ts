import { EFAULT, ENXIO } from "../abi/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, TracingContext } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { refuse, repeatRun, type TestRunner } from "./test-run.js";
import { type KernelEvents, RAW_ARGUMENTS_SIZE } from "./tracing/index.js";

const BPF_F_TEST_RUN_ON_CPU = 1;
const SYSCALL_CONTEXT_MAX = 65_535;
const NOTHING = new Uint8Array(0);

/** Test runs of raw tracepoint programs: a context of u64s, which they cannot change, on a CPU of the caller's choice. */
export class RawTracepointTestRunner implements TestRunner {
  readonly types = ["raw_tracepoint"] as const;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    refusePacket(options);
    const context = contextOf(program, options, RAW_ARGUMENTS_SIZE);
    const { runtime } = this.#environment;
    const cpu = options.cpu ?? 0;
    const chosen = ((options.flags ?? 0) & BPF_F_TEST_RUN_ON_CPU) !== 0;
    if (!chosen && cpu !== 0) refuse("a CPU without BPF_F_TEST_RUN_ON_CPU");
    if (chosen && cpu >= runtime.cpus) refuse(`there is no CPU ${cpu}`, ENXIO);
    const before = runtime.cpu;
    if (chosen) runtime.setCpu(cpu);
    try {
      const { retval } = runOn(this.#environment, program, context);
      return { retval, data: NOTHING, context: context.slice(), duration: 0 };
    } finally {
      runtime.setCpu(before);
    }
  }

  close(): void {}
}

/** Test runs of syscall programs: the way in which they are run at all. The context comes back as the program left it. */
export class SyscallTestRunner implements TestRunner {
  readonly types = ["syscall"] as const;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    refusePacket(options);
    if ((options.flags ?? 0) !== 0) refuse("unknown flags");
    const given = contextOf(program, options, SYSCALL_CONTEXT_MAX);
    const { retval, context } = runOn(this.#environment, program, given);
    return { retval, data: NOTHING, context, duration: 0 };
  }

  close(): void {}
}

/**
 * Test runs of programs at functions: those are the kernel's own test functions, and it is the programs attached to them
 * that run. Other tracing programs have none (EFAULT).
 */
export class TracingTestRunner implements TestRunner {
  readonly types = ["tracing"] as const;
  readonly #events: KernelEvents;

  constructor(events: KernelEvents) {
    this.#events = events;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    if ((options.flags ?? 0) !== 0 || (options.cpu ?? 0) !== 0) refuse("unknown flags or a CPU");
    const { attachType } = program;
    if (attachType === "modify_return") return answer(this.#modifiedReturns());
    if (attachType !== "trace_fentry" && attachType !== "trace_fexit") refuse("no function is called for it", EFAULT);
    for (const [index, { args, returns }] of testFunctions.entries()) {
      this.#events.kernelCall(`bpf_fentry_test${index + 1}`, args, { returns });
    }
    return answer(0);
  }

  close(): void {}

  /** What the two functions return, and how many of them were reached: those change what their caller sees. */
  #modifiedReturns(): number {
    let reached = 0;
    const call = (name: string, args: readonly number[], returns: number) => {
      const result = this.#events.kernelCall(name, args, { returns });
      if (result.reached) reached++;
      return Number(BigInt.asIntN(32, result.returned));
    };
    const sum = call("bpf_modify_return_test", [1, 0], 4) + call("bpf_modify_return_test2", [1, 0, 3, 4, 5, 6, 7], 29);
    return ((reached << 16) | (sum & 0xffff)) >>> 0;
  }
}

/** Arguments that the kernel calls `bpf_fentry_test1` and its like with, and what they return. */
const testFunctions: readonly { readonly args: readonly number[]; readonly returns: number }[] = [
  { args: [1], returns: 2 },
  { args: [2, 3], returns: 5 },
  { args: [4, 5, 6], returns: 15 },
  { args: [7, 8, 9, 10], returns: 34 },
  { args: [11, 12, 13, 14, 15], returns: 65 },
  { args: [16, 17, 18, 19, 20, 21], returns: 111 },
  { args: [0], returns: 0 },
  { args: [0], returns: 0 },
  { args: [0], returns: 0 },
];

function answer(retval: number): TestRunResult {
  return { retval, data: NOTHING, context: NOTHING, duration: 0 };
}

function refusePacket(options: TestRunOptions): void {
  if (options.data !== undefined) refuse("programs of this type have no packet");
  if ((options.repeat ?? 0) !== 0) refuse("programs of this type are run once");
}

function contextOf(program: MachineProgram, options: TestRunOptions, most: number): Uint8Array {
  const context = options.context ?? NOTHING;
  const { contextSize } = program.object.parts;
  if (context.length < contextSize) refuse(`the program accesses ${contextSize} bytes of context`);
  if (context.length > most) refuse(`a context has at most ${most} bytes`);
  return context;
}

function runOn(
  environment: Environment,
  program: MachineProgram,
  bytes: Uint8Array,
): { readonly retval: number; readonly context: Uint8Array } {
  using context = new TracingContext(environment.runtime.memory, bytes.length, bytes);
  repeatRun(environment, program, context, 1);
  return { retval: environment.runtime.r0, context: context.bytes() };
}
