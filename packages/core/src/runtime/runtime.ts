import { BpfError } from "../base/index.js";
import { LinearMemory, type WasmGlobal, webAssembly } from "../wasm/index.js";
import type { ProgramImage } from "./executable.js";
import { functionRecord } from "./executable.js";
import { AREA_SIZE, area } from "./execution-area.js";
import { describeFault } from "./fault.js";
import { HelperTable } from "./helper-table.js";
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

/** What a program runs on: its context struct, and the packet behind it where there is one. Addresses and bytes. */
export interface RunContext {
  /** The context in its UAPI layout: r1 at entry. 0 for none. */
  readonly address: number;
  readonly size: number;
  /** Where direct packet access may go; both 0 without a packet. */
  readonly packetStart: number;
  readonly packetEnd: number;
}

/** Run of one program, or of a callback, that has not returned yet. Levels are reused, so keep no reference. */
export interface Run {
  /** Address of its execution area. */
  readonly area: number;
  readonly cpu: number;
  /** The context it was started with; the runtime's helpers know more of it than the engines do. */
  context: RunContext;
  /** What a helper threw, until the result is read. */
  cause: unknown;
  /** Slots that it may execute. */
  budget: number;
}

/** Runs that may be in progress within each other on one CPU: a helper that makes another program run, and so on. */
const MAX_NESTING = 32;

const NO_CONTEXT: RunContext = { address: 0, size: 0, packetStart: 0, packetEnd: 0 };

/** Unwinds generated code and helpers up to {@link Runtime.execute}. */
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
  /** Packet bytes for the deprecated `ld_abs` and `ld_ind`; see {@link PacketLoader}. */
  loadPacket: PacketLoader = () => 0;
  readonly #images = new Map<number, ProgramImage>();
  readonly #functions = new Set<number>();
  readonly #runs: Run[][];
  /** Runs in progress, on each CPU. */
  readonly #depth: number[];
  #cpu = 0;
  #budget = 0;
  // The budget's halves, and those of the floor at which may_goto gives up.
  readonly #budgetWords = new Int32Array(4);
  /** The run in progress; its helpers act on it. */
  #current: Run;
  /** The run that ended last. */
  #ended: Run;

  /** @param options.budget slots that each run may execute (default 10 million). */
  constructor(options: { memory?: LinearMemory; cpus?: number; budget?: number } = {}) {
    this.memory = options.memory ?? new LinearMemory();
    this.cpus = options.cpus ?? 1;
    this.budget = options.budget ?? 10_000_000;
    this.cpuGlobal = new (webAssembly().Global)({ value: "i32", mutable: true }, 0);
    this.regions = new RegionTable(this.memory);
    this.#runs = Array.from({ length: this.cpus }, () => []);
    this.#depth = this.#runs.map(() => 0);
    this.#current = this.#level(0, 0);
    this.#ended = this.#current;
  }

  /** Slots that each run may execute, up to 2^53. */
  get budget(): number {
    return this.#budget;
  }

  set budget(slots: number) {
    this.#budget = Math.max(0, Math.min(Math.floor(slots), Number.MAX_SAFE_INTEGER));
    const floor = Math.floor(this.#budget / 4);
    this.#budgetWords.set([this.#budget, this.#budget / 2 ** 32, floor, floor / 2 ** 32]);
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

  /** The innermost run in progress. */
  get run(): Run {
    return this.#current;
  }

  /** Runs in progress on this CPU. */
  get nesting(): number {
    return this.#depth[this.#cpu]!;
  }

  /** Runs a program and tells how it ended. */
  test(image: ProgramImage, context: RunContext = NO_CONTEXT): RunResult {
    return this.result(this.execute(image, context));
  }

  /** Runs a program on the current CPU. {@link r0}, or {@link result}, then say more. */
  execute(image: ProgramImage, context: RunContext): RunStatus {
    const outer = this.#current;
    const run = this.#enter(context);
    this.memory.i32[(run.area + area.program) >> 2] = image.record;
    try {
      return image.execute(run.area, context.address);
    } catch (error) {
      return this.#caught(run, error);
    } finally {
      this.#leave(run, outer);
    }
  }

  /**
   * Runs one function of a program as a run of its own: a timer's callback, a second program of a map's entry.
   *
   * @param record address of a function record.
   */
  executeFunction(record: number, a1: number, a2: number, a3: number): RunStatus {
    const outer = this.#current;
    const run = this.#enter(NO_CONTEXT);
    // One frame above the first, so that the function's frame is the first.
    this.memory.i32[(run.area + area.depth) >> 2] = -1;
    try {
      this.#invoke(run, record, a1, a2, a3, 0, 0);
      return RUN_EXIT;
    } catch (error) {
      return this.#caught(run, error);
    } finally {
      this.#leave(run, outer);
    }
  }

  /**
   * Calls a function of the running program from within a helper, and returns the low half of its r0. A fault in it, or
   * the end of the budget, unwinds the helper too.
   *
   * @param record address of a function record, which is what a program hands over as a callback.
   */
  invoke(record: number, a1: number, a2: number, a3 = 0, a4 = 0, a5 = 0): number {
    return this.#invoke(this.#current, record, a1, a2, a3, a4, a5);
  }

  /** Low half of r0 of the run that ended last, unsigned. */
  get r0(): number {
    return this.memory.u32[(this.#ended.area + area.registers) >> 2]!;
  }

  /** Slots that the run that ended last executed. */
  get executed(): number {
    const at = (this.#ended.area + area.budget) >> 2;
    return this.#ended.budget - (this.memory.i32[at + 1]! * 2 ** 32 + this.memory.u32[at]!);
  }

  /** A register of the innermost run, unsigned. */
  register(index: number): bigint {
    return this.memory.view.getBigUint64(this.#current.area + area.registers + index * 8, true);
  }

  /** Halves of a register of the innermost run: what wide helpers read. */
  registerLow(index: number): number {
    return this.memory.i32[(this.#current.area + area.registers + index * 8) >> 2]!;
  }

  registerHigh(index: number): number {
    return this.memory.i32[(this.#current.area + area.registers + index * 8 + 4) >> 2]!;
  }

  /** Sets a register of the innermost run: r0 for wide results. */
  setRegister(index: number, low: number, high: number): void {
    const at = (this.#current.area + area.registers + index * 8) >> 2;
    this.memory.i32[at] = low;
    this.memory.i32[at + 1] = high;
  }

  /** Moves the bounds of direct packet access, after a helper moved the packet. */
  setPacket(start: number, end: number): void {
    const at = (this.#current.area + area.packetStart) >> 2;
    this.memory.u32[at] = start;
    this.memory.u32[at + 1] = end;
  }

  /** Ends the run in progress with a fault, from within a helper: the kernel's verifier rules this out. */
  fault(message: string): never {
    this.#current.cause = message;
    this.memory.i32[(this.#current.area + area.faultReason) >> 2] = FAULT_HELPER;
    throw new RunAborted(RUN_FAULT);
  }

  /** Ends the run in progress with this r0, from within a helper, whatever its call depth (bpf_throw). */
  exit(low: number, high: number): never {
    this.setRegister(0, low, high);
    throw new RunAborted(RUN_EXIT);
  }

  /** How the run ended that returned `status` last, with all its details. */
  result(status: RunStatus): RunResult {
    const run = this.#ended;
    if (status === RUN_EXIT)
      return { kind: "exit", r0: this.memory.view.getBigUint64(run.area + area.registers, true) };
    const image = this.#images.get(this.memory.u32[(run.area + area.program) >> 2]!);
    const slot = image?.slotAt(this.memory.i32[(run.area + area.position) >> 2]!) ?? 0;
    const program = image?.name ?? "";
    if (status === RUN_BUDGET) return { kind: "budget", program, slot };
    const fault = describeFault(this.memory, this.regions, run.area, { program, slot, cause: run.cause });
    return { kind: "fault", fault };
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

  #invoke(run: Run, record: number, a1: number, a2: number, a3: number, a4: number, a5: number): number {
    if (!this.#functions.has(record)) {
      this.memory.i32[(run.area + area.faultReason) >> 2] = FAULT_CALL_TARGET;
      this.memory.u32[(run.area + area.faultAddress) >> 2] = record;
      throw new RunAborted(RUN_FAULT);
    }
    const words = this.memory.u32;
    const program = words[(record + functionRecord.program) >> 2]!;
    const entry = words[(record + functionRecord.entry) >> 2]!;
    const status = this.#images.get(program)!.invoke(run.area, entry, a1, a2, a3, a4, a5);
    if (status !== RUN_EXIT) throw new RunAborted(status);
    return this.memory.i32[(run.area + area.registers) >> 2]!;
  }

  #enter(context: RunContext): Run {
    const level = this.#depth[this.#cpu]!++;
    const run = this.#runs[this.#cpu]![level] ?? this.#level(this.#cpu, level);
    const words = this.memory.i32;
    const at = run.area >> 2;
    run.context = context;
    run.cause = undefined;
    run.budget = this.#budget;
    words[at + area.budget / 4] = this.#budgetWords[0]!;
    words[at + area.budget / 4 + 1] = this.#budgetWords[1]!;
    words[at + area.mayGotoFloor / 4] = this.#budgetWords[2]!;
    words[at + area.mayGotoFloor / 4 + 1] = this.#budgetWords[3]!;
    words[at + area.tailCalls / 4] = 0;
    words[at + area.depth / 4] = 0;
    words[at + area.packetStart / 4] = context.packetStart;
    words[at + area.packetEnd / 4] = context.packetEnd;
    words[at + area.contextStart / 4] = context.address;
    words[at + area.contextEnd / 4] = context.address + context.size;
    words[at + area.faultReason / 4] = 0;
    this.#current = run;
    return run;
  }

  #leave(run: Run, outer: Run): void {
    this.#depth[run.cpu]!--;
    this.#ended = run;
    this.#current = outer;
  }

  #level(cpu: number, level: number): Run {
    if (level >= MAX_NESTING) {
      this.#depth[cpu]!--;
      throw new BpfError("NESTING", `${MAX_NESTING} runs are in progress within each other on CPU ${cpu}`, { cpu });
    }
    const address = this.memory.alloc(AREA_SIZE, 64);
    const run: Run = { area: address, cpu, context: NO_CONTEXT, cause: undefined, budget: 0 };
    this.#runs[cpu]![level] = run;
    return run;
  }

  #caught(run: Run, error: unknown): RunStatus {
    if (error instanceof RunAborted) return error.status;
    run.cause = error;
    this.memory.i32[(run.area + area.faultReason) >> 2] = FAULT_THROWN;
    return RUN_FAULT;
  }
}

/**
 * What `ld_abs` and `ld_ind` read: leaves `size` bytes (1, 2, 4) at `offset` of the packet of context `skb` in r0, from
 * network byte order and zero-extended, and returns 1; 0 where there are none, and the function exits with r0 = 0.
 */
export type PacketLoader = (skb: number, offset: number, size: number) => number;
