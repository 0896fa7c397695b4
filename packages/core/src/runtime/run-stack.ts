import { BpfError } from "../base/index.js";
import type { LinearMemory } from "../wasm/index.js";
import { AREA_ALIGNMENT, AREA_SIZE, area, MAX_TAIL_CALLS } from "./execution-area.js";

/** What a program runs on: its context struct, and the packet behind it where there is one. Addresses and bytes. */
export interface RunContext {
  /** The context in its UAPI layout: r1 at entry. 0 for none. */
  readonly address: number;
  readonly size: number;
  /** Where direct packet access may go; both 0 without a packet. */
  readonly packetStart: number;
  readonly packetEnd: number;
}

/** A context for programs that get none: address 0. */
export const NO_CONTEXT: RunContext = { address: 0, size: 0, packetStart: 0, packetEnd: 0 };

/** A run in progress. These objects are reused by later runs: keep no reference. */
export interface Run {
  /** Address of its execution area. */
  readonly area: number;
  readonly cpu: number;
  /** The context it was started with; the runtime's helpers know more of it than the engines do. */
  context: RunContext;
  /** What a helper threw, or why it refused its arguments. */
  cause: unknown;
  /** Slots that it may execute. */
  budget: number;
  /** The run in progress when it began. */
  outer: Run | undefined;
}

/**
 * Runs that may be in progress within each other on one CPU: a helper that makes another program run, and so on, and the
 * tail calls of one of them that need areas of their own.
 */
const MAX_NESTING = 32 + MAX_TAIL_CALLS;

/** The runs in progress, and their execution areas, one a CPU and level. */
export class RunStack {
  readonly #memory: LinearMemory;
  readonly #levels: Run[][];
  /** Runs in progress on each CPU. */
  readonly #depths: number[];
  // The budget's halves.
  readonly #budgetWords = new Int32Array(2);
  #budget = 0;
  /** The innermost run in progress; while there is none, one that never ran. */
  current: Run;
  /** The run that ended last. */
  ended: Run;

  constructor(memory: LinearMemory, cpus: number) {
    this.#memory = memory;
    this.#levels = Array.from({ length: cpus }, () => []);
    this.#depths = this.#levels.map(() => 0);
    this.current = this.#createRun(0);
    this.ended = this.current;
  }

  /** Slots that each run may execute. */
  get budget(): number {
    return this.#budget;
  }

  set budget(slots: number) {
    this.#budget = Math.max(0, Math.min(Math.floor(slots), Number.MAX_SAFE_INTEGER));
    this.#budgetWords.set([this.#budget, this.#budget / 2 ** 32]);
  }

  nesting(cpu: number): number {
    return this.#depths[cpu]!;
  }

  /**
   * Sets up an execution area and makes it the current run's.
   *
   * @throws BpfError `"NESTING"` when too many runs are in progress within each other.
   */
  begin(cpu: number, context: RunContext): Run {
    const run = this.#levels[cpu]![this.#depths[cpu]!] ?? this.#addLevel(cpu);
    const words = this.#memory.i32;
    const at = run.area >> 2;
    this.#depths[cpu]!++;
    run.context = context;
    run.cause = undefined;
    run.budget = this.#budget;
    run.outer = this.current;
    words[at + area.budget / 4] = this.#budgetWords[0]!;
    words[at + area.budget / 4 + 1] = this.#budgetWords[1]!;
    words[at + area.tailCalls / 4] = 0;
    words[at + area.depth / 4] = 0;
    words[at + area.packetStart / 4] = context.packetStart;
    words[at + area.packetEnd / 4] = context.packetEnd;
    words[at + area.contextStart / 4] = context.address;
    words[at + area.contextEnd / 4] = context.address + context.size;
    words[at + area.faultReason / 4] = 0;
    this.current = run;
    return run;
  }

  /** Runs end in the reverse order of their beginning. */
  end(run: Run): void {
    if (run !== this.current || run.outer === undefined) throw new RangeError("the run is not the innermost one");
    this.#depths[run.cpu]!--;
    this.current = run.outer;
    this.ended = run;
    run.outer = undefined;
  }

  #addLevel(cpu: number): Run {
    const levels = this.#levels[cpu]!;
    if (levels.length >= MAX_NESTING)
      throw new BpfError("NESTING", `${MAX_NESTING} runs are in progress within each other on CPU ${cpu}`, { cpu });
    const run = this.#createRun(cpu);
    levels.push(run);
    return run;
  }

  #createRun(cpu: number): Run {
    const address = this.#memory.alloc(AREA_SIZE, AREA_ALIGNMENT);
    return { area: address, cpu, context: NO_CONTEXT, cause: undefined, budget: 0, outer: undefined };
  }
}
