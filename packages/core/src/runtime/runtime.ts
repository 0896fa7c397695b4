import { LinearMemory, type WasmGlobal, webAssembly } from "../wasm/index.js";
import { functionRecord, type ProgramImage } from "./executable.js";
import { area } from "./execution-area.js";
import { describeFault } from "./fault.js";
import { HelperTable } from "./helper-table.js";
import type { BatchFailure, PacketRing } from "./packet-ring.js";
import { isAccessible } from "./range-check.js";
import { RegionTable } from "./region-table.js";
import {
  FAULT_CALL_TARGET,
  FAULT_HELPER,
  FAULT_THROWN,
  RUN_BUDGET,
  RUN_EXIT,
  RUN_FAULT,
  type RunResult,
  type RunStatus,
} from "./run-result.js";
import { NO_CONTEXT, type Run, type RunContext, RunStack } from "./run-stack.js";

/**
 * What `ld_abs` and `ld_ind` read: leaves `size` bytes (1, 2, 4) at `offset` of the packet of context `skb` in r0, from
 * network byte order and zero-extended, and returns 1; 0 where there are none, and the function exits with r0 = 0.
 */
export type PacketLoader = (skb: number, offset: number, size: number) => number;

/** Unwinds generated code and helpers up to where the run was started. */
class RunAborted extends Error {
  readonly status: RunStatus;

  constructor(status: RunStatus) {
    super("a run was aborted");
    this.status = status;
  }
}

/**
 * The ground on which programs run: the linear memory, the current CPU, helpers, regions, and the runs in progress.
 * Engines prepare {@link ProgramImage}s for it, helpers are functions over it.
 */
export class Runtime {
  readonly memory: LinearMemory;
  /** Number of CPUs. */
  readonly cpus: number;
  /** The current CPU, a mutable i32 global that generated modules import. Change it with {@link setCpu}. */
  readonly cpuGlobal: WasmGlobal;
  readonly helpers = new HelperTable();
  readonly kfuncs = new HelperTable();
  readonly regions: RegionTable;
  /** Address of the time (u64) that the run in progress finds, in nanoseconds since boot; 0: ask the clock. */
  readonly timeAddress: number;
  /** Packet bytes for the deprecated `ld_abs` and `ld_ind`. */
  loadPacket: PacketLoader = () => 0;
  readonly #images = new Map<number, ProgramImage>();
  readonly #functions = new Set<number>();
  readonly #runs: RunStack;
  #cpu = 0;

  /** @param options.budget slots that each run may execute (default 10 million). */
  constructor(options: { memory?: LinearMemory; cpus?: number; budget?: number } = {}) {
    this.memory = options.memory ?? new LinearMemory();
    this.cpus = options.cpus ?? 1;
    this.cpuGlobal = new (webAssembly().Global)({ value: "i32", mutable: true }, 0);
    this.regions = new RegionTable(this.memory);
    this.#runs = new RunStack(this.memory, this.cpus);
    this.timeAddress = this.memory.alloc(8, 8);
    this.memory.u32.fill(0, this.timeAddress >>> 2, (this.timeAddress >>> 2) + 2);
    this.budget = options.budget ?? 10_000_000;
  }

  /** Slots that each run may execute, up to 2^53. Changing it concerns the runs to come. */
  get budget(): number {
    return this.#runs.budget;
  }

  set budget(slots: number) {
    this.#runs.budget = slots;
  }

  get cpu(): number {
    return this.#cpu;
  }

  /** @throws RangeError for a CPU that there isn't. */
  setCpu(cpu: number): void {
    if (!(cpu >= 0 && cpu < this.cpus)) throw new RangeError(`no CPU ${cpu} of ${this.cpus}`);
    this.#cpu = cpu;
    this.cpuGlobal.value = cpu;
  }

  // Running

  /** Runs a program and tells how it ended. */
  test(image: ProgramImage, context: RunContext = NO_CONTEXT): RunResult {
    return this.result(this.execute(image, context));
  }

  /** Runs a program on the current CPU. {@link r0}, or {@link result}, then say more. */
  execute(image: ProgramImage, context: RunContext): RunStatus {
    const run = this.begin(image, context);
    try {
      return image.execute(run.area, context.address);
    } catch (error) {
      return this.#caught(run, error);
    } finally {
      this.#runs.end(run);
    }
  }

  /**
   * Runs a program `times` times, at least once, one after the other on one context, which starts each run as the last one
   * left it. Ends early with the first run that doesn't exit; what is said of the last run is about that one.
   */
  executeRepeatedly(image: ProgramImage, context: RunContext, times: number): RunStatus {
    if (image.repeat === undefined) {
      let status = this.execute(image, context);
      for (let time = 1; time < times && status === RUN_EXIT; time++) status = this.execute(image, context);
      return status;
    }
    const run = this.begin(image, context);
    const status = this.guard(run, () => image.repeat!(run.area, context.address, times));
    this.#runs.end(run);
    return status;
  }

  /**
   * Carries out the first `count` runs of a ring, for images that have a batch entry; `failed` is told of each that doesn't
   * exit.
   */
  executeBatch(image: ProgramImage, ring: PacketRing, count: number, failed: BatchFailure): void {
    const { batch } = image;
    if (batch === undefined) throw new RangeError(`${image.name} doesn't run in batches`);
    for (let from = 0; from < count; ) {
      const run = this.begin(image);
      const status = this.guard(run, () => batch(run.area, ring.address, from, count) as RunStatus);
      this.#runs.end(run);
      this.memory.u32.fill(0, this.timeAddress >>> 2, (this.timeAddress >>> 2) + 2);
      if (status === RUN_EXIT) return;
      failed(ring.next, status);
      from = ring.next + 1;
    }
  }

  /**
   * Runs one function of a program as a run of its own: a timer's callback, say.
   *
   * @param record address of a function record.
   */
  executeFunction(record: number, a1: number, a2: number, a3: number): RunStatus {
    const run = this.#runs.begin(this.#cpu, NO_CONTEXT);
    // One frame above the first, so that the function's frame is the first.
    this.memory.i32[(run.area + area.depth) >> 2] = -1;
    const status = this.guard(run, () => {
      this.invoke(record, a1, a2, a3);
      return RUN_EXIT;
    });
    this.#runs.end(run);
    return status;
  }

  /** The first part of {@link execute}, for a run that is carried out in steps. */
  begin(image: ProgramImage, context: RunContext = NO_CONTEXT): Run {
    const run = this.#runs.begin(this.#cpu, context);
    this.memory.i32[(run.area + area.program) >> 2] = image.record;
    return run;
  }

  /** Runs generated code of `run`; what is thrown in it becomes a status. */
  guard(run: Run, go: () => RunStatus): RunStatus {
    try {
      return go();
    } catch (error) {
      return this.#caught(run, error);
    }
  }

  /** Ends a run that {@link begin} began. Runs end in the reverse order of their beginning. */
  end(run: Run): void {
    this.#runs.end(run);
  }

  // The run that ended

  /** Low half of r0 of the run that ended last, unsigned. */
  get r0(): number {
    return this.memory.u32[(this.#runs.ended.area + area.registers) >> 2]!;
  }

  /**
   * Slots that `run`, or the run that ended last, has executed. Translated code of verified programs may count nothing and
   * say 0.
   */
  executed(run: Run = this.#runs.ended): number {
    const at = (run.area + area.budget) >> 2;
    return run.budget - (this.memory.i32[at + 1]! * 2 ** 32 + this.memory.u32[at]!);
  }

  /** How `run`, or the run that ended last, ended with `status`. */
  result(status: RunStatus, run: Run = this.#runs.ended): RunResult {
    if (status === RUN_EXIT)
      return { kind: "exit", r0: this.memory.view.getBigUint64(run.area + area.registers, true) };
    const image = this.#imageOf(run);
    const slot = image?.slotAt(this.memory.i32[(run.area + area.position) >> 2]!) ?? 0;
    const program = image?.name ?? "";
    if (status === RUN_BUDGET) return { kind: "budget", program, slot };
    const fault = describeFault(this.memory, this.regions, run.area, { program, slot, cause: run.cause });
    return { kind: "fault", fault };
  }

  // For helpers: the innermost run in progress

  get run(): Run {
    return this.#runs.current;
  }

  /** Runs in progress on this CPU. */
  get nesting(): number {
    return this.#runs.nesting(this.#cpu);
  }

  /** The program that runs; after a tail call not the one that was started. */
  get runningImage(): ProgramImage | undefined {
    return this.#imageOf(this.#runs.current);
  }

  /** A register, unsigned. */
  register(index: number): bigint {
    return this.memory.view.getBigUint64(this.run.area + area.registers + index * 8, true);
  }

  /** Low half of a register, as an i32. */
  registerLow(index: number): number {
    return this.memory.i32[(this.run.area + area.registers + index * 8) >> 2]!;
  }

  /** High half of a register, as an i32. */
  registerHigh(index: number): number {
    return this.memory.i32[(this.run.area + area.registers + index * 8 + 4) >> 2]!;
  }

  /** Sets a register: r0 for wide results. */
  setRegister(index: number, low: number, high: number): void {
    const at = (this.run.area + area.registers + index * 8) >> 2;
    this.memory.i32[at] = low;
    this.memory.i32[at + 1] = high;
  }

  /** Whether the program may access `size` bytes at `address` itself, now. */
  accessible(address: number, size: number, write: boolean): boolean {
    return isAccessible(this.memory, this.regions, this.run.area, { address, size, write });
  }

  /** Moves the bounds of direct packet access, after a helper moved the packet. */
  setPacket(start: number, end: number): void {
    const at = (this.run.area + area.packetStart) >> 2;
    this.memory.u32[at] = start;
    this.memory.u32[at + 1] = end;
  }

  /**
   * Calls a function of a program and returns the low half of its r0. A fault in it, or the end of the budget, unwinds
   * the helper too.
   *
   * @param record address of a function record, which is what a program hands over as a callback.
   */
  invoke(record: number, a1: number, a2: number, a3 = 0, a4 = 0, a5 = 0): number {
    const { area: at } = this.run;
    if (!this.#functions.has(record)) this.badCallTarget(record, 0);
    const words = this.memory.u32;
    const program = words[(record + functionRecord.program) >> 2]!;
    const entry = words[(record + functionRecord.entry) >> 2]!;
    const caller = words[(at + area.program) >> 2]!;
    words[(at + area.program) >> 2] = program;
    const status = this.#images.get(program)!.invoke(at, entry, a1, a2, a3, a4, a5);
    if (status !== RUN_EXIT) throw new RunAborted(status);
    this.memory.u32[(at + area.program) >> 2] = caller;
    return this.memory.i32[(at + area.registers) >> 2]!;
  }

  /**
   * Calls a helper by a number that only the running program knows (callx), guarded, with the arguments that the area
   * holds. False where there is no such helper.
   */
  callHelper(id: number): boolean {
    const helper = this.helpers.get(id);
    if (helper === undefined) return false;
    const run = this.helpers.guarded(id, helper);
    const argument = (register: number) => this.registerLow(register);
    const result = run(argument(1), argument(2), argument(3), argument(4), argument(5));
    if (helper.result !== "wide") this.setRegister(0, result, helper.result === "int" ? result >> 31 : 0);
    return true;
  }

  /** Ends the run with a fault: what the kernel's verifier rules out. */
  fault(message: string): never {
    this.run.cause = message;
    this.memory.i32[(this.run.area + area.faultReason) >> 2] = FAULT_HELPER;
    throw new RunAborted(RUN_FAULT);
  }

  /** Ends the run with a fault: these halves of a register are no function that can be called. */
  badCallTarget(low: number, high: number): never {
    const at = this.run.area >> 2;
    this.memory.i32[at + area.faultReason / 4] = FAULT_CALL_TARGET;
    this.memory.i32[at + area.faultAddress / 4] = low;
    this.memory.i32[at + area.faultAddress / 4 + 1] = high;
    throw new RunAborted(RUN_FAULT);
  }

  /** Ends the run with this r0, whatever its call depth (bpf_throw). */
  exit(low: number, high: number): never {
    this.setRegister(0, low, high);
    throw new RunAborted(RUN_EXIT);
  }

  // For engines

  /** Ends the run from within generated code, whatever its call depth; the area says why. */
  abort(status: RunStatus): never {
    throw new RunAborted(status);
  }

  /**
   * The tail call of a function behind whose frame the target's frames don't fit: the target runs on an area of its own.
   * Afterwards the caller's area holds r0 and what is left of the budget; a fault, or the budget's end, unwinds.
   *
   * @param record address of the target's record
   */
  tailCallDeeper(record: number): void {
    const outer = this.run;
    const { depth } = area;
    const context = this.registerLow(1);
    const frame = this.memory.i32[(outer.area + depth) >> 2]!;
    const run = this.#runs.begin(this.#cpu, outer.context);
    this.memory.u8.copyWithin(run.area, outer.area, outer.area + area.frames);
    this.memory.i32[(run.area + depth) >> 2] = 0;
    this.memory.u32[(run.area + area.program) >> 2] = record;
    const image = this.#images.get(record)!;
    const status = this.guard(run, () => image.execute(run.area, context));
    this.memory.u8.copyWithin(outer.area, run.area, run.area + area.frames);
    outer.cause = run.cause;
    this.#runs.end(run);
    if (status !== RUN_EXIT) throw new RunAborted(status);
    this.memory.i32[(outer.area + depth) >> 2] = frame;
  }

  /** Engines announce what they have prepared, so that faults and callbacks find it. */
  addImage(image: ProgramImage, functions: Iterable<number>): void {
    this.#images.set(image.record, image);
    for (const record of functions) this.#functions.add(record);
  }

  removeImage(image: ProgramImage, functions: Iterable<number>): void {
    this.#images.delete(image.record);
    for (const record of functions) this.#functions.delete(record);
  }

  /** The image with this record, as prog arrays hold it. */
  image(record: number): ProgramImage | undefined {
    return this.#images.get(record);
  }

  #imageOf(run: Run): ProgramImage | undefined {
    return this.#images.get(this.memory.u32[(run.area + area.program) >> 2]!);
  }

  #caught(run: Run, error: unknown): RunStatus {
    if (error instanceof RunAborted) return error.status;
    run.cause = error;
    this.memory.i32[(run.area + area.faultReason) >> 2] = FAULT_THROWN;
    return RUN_FAULT;
  }
}
