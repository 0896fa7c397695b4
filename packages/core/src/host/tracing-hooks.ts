import type { Link } from "./link.js";
import type { BpfMap } from "./map.js";
import type { Program } from "./program.js";

/** For hooks that tell programs apart by a number. */
export interface CookieOptions {
  /** What bpf_get_attach_cookie() gives the program. Since 5.15. */
  readonly cookie?: bigint | undefined;
}

/** Where a kprobe is attached. */
export interface KprobeOptions extends CookieOptions {
  /** Kernel function; what the program's section names unless given. */
  readonly symbol?: string | undefined;
  /** Bytes into the function. */
  readonly offset?: number | undefined;
  readonly return?: boolean | undefined;
}

/** Where a kprobe of many functions is attached. */
export interface KprobeMultiOptions {
  readonly symbols: readonly string[];
  readonly return?: boolean | undefined;
  /** As many as symbols. */
  readonly cookies?: readonly bigint[] | undefined;
}

/** A place in a file, as a function or as a file offset, or both: `offset` bytes into the function. */
export interface UprobePlace {
  readonly symbol?: string | undefined;
  /** Bytes, from the symbol or from the start of the file. */
  readonly offset?: number | undefined;
}

/** Where in a file a uprobe is attached. */
export interface UprobeOptions extends UprobePlace, CookieOptions {
  /** At the function's return (uretprobe). */
  readonly return?: boolean | undefined;
  /** Only this process; default all. */
  readonly pid?: number | undefined;
  /** File offset of a counter that the kernel increments while the probe is in place. */
  readonly counterOffset?: number | undefined;
}

/** Where in a file a uprobe of many places is attached. */
export interface UprobeMultiOptions {
  readonly places: readonly (UprobePlace & {
    readonly cookie?: bigint | undefined;
    readonly counterOffset?: number | undefined;
  })[];
  readonly return?: boolean | undefined;
  readonly pid?: number | undefined;
}

/** A counter or clock of the kernel's perf events. */
export interface PerfEventOptions extends CookieOptions {
  /** `perf_type_id`: 0 hardware, 1 software ... */
  readonly type: number;
  /** Which event of that type: of software 0 cpu-clock, 1 task-clock, 2 page-faults, 3 context-switches ... */
  readonly config: number | bigint;
  /** Run the program every so many events (ns, for clocks), */
  readonly period?: number | undefined;
  /** or so often a second. */
  readonly frequency?: number | undefined;
  /** Thread to watch: a tid, 0 for the calling thread, -1 (the default) for all. */
  readonly pid?: number | undefined;
  /** Default: any CPU (-1); either pid or cpu has to be given. */
  readonly cpu?: number | undefined;
}

/** What an iterator is limited to; what applies depends on the iterator. */
export interface IteratorOptions {
  /** For iterators over a map's elements. */
  readonly map?: BpfMap | undefined;
  /** For task iterators: one thread, or all threads of one process. */
  readonly tid?: number | undefined;
  readonly pid?: number | undefined;
}

/** An iterator program that is ready to run: each {@link read} is a run over everything. */
export interface IterationLink extends Link {
  /** Runs the iterator: what the program wrote with bpf_seq_write and its like. */
  read(): Uint8Array;
  /** {@link read} as text. */
  readText(): string;
}

/**
 * Hooks that trace. On a kernel they fire by themselves; on a Machine when the caller says what happens
 * (`machine.fire`).
 */
export interface TracingHooks {
  /** A tracepoint of tracefs: `"syscalls/sys_enter_execve"`; what the program's section names unless given. */
  attachTracepoint(program: Program, name?: string, options?: CookieOptions): Link;
  /**
   * A raw tracepoint (since 4.17) by its name in the kernel's sources: `"sched_switch"`; or a program whose target was
   * fixed when it was loaded: a BTF-typed tracepoint, fentry, fexit, fmod_ret (since 5.5), LSM (5.7).
   */
  attachRawTracepoint(program: Program, name?: string, options?: CookieOptions): Link;
  /** Entry or return of a kernel function. */
  attachKprobe(program: Program, options?: KprobeOptions): Link;
  /** Many kernel functions. Since 5.18; loaded with attach type `trace_kprobe_multi` or `trace_kprobe_session` (6.10). */
  attachKprobeMulti(program: Program, options: KprobeMultiOptions): Link;
  /** Entry or return of a function in an executable or library. */
  attachUprobe(program: Program, path: string, options: UprobeOptions): Link;
  /** Many functions of one file. Since 6.6; attach type `trace_uprobe_multi`, or `trace_uprobe_session` (6.13). */
  attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): Link;
  /** Samples of a perf event. Since 4.9. */
  attachPerf(program: Program, options: PerfEventOptions): Link;
  /** A BPF iterator, to be read. Since 5.8. */
  attachIterator(program: Program, options?: IteratorOptions): IterationLink;
}
