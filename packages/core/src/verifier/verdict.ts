/** What a rejection is about: stable across kernels and wordings. */
export type RejectionCode =
  | "malformed"
  | "control_flow"
  | "too_complex"
  | "uninitialized"
  | "frame_pointer"
  | "arithmetic"
  | "pointer_arithmetic"
  | "pointer_leak"
  | "memory_access"
  | "stack_access"
  | "packet_access"
  | "map_access"
  | "context_access"
  | "alignment"
  | "map"
  | "helper"
  | "argument"
  | "call"
  | "call_depth"
  | "stack_depth"
  | "return_value"
  | "reference"
  | "lock"
  | "sleep"
  | "kfunc"
  | "btf"
  | "attach"
  | "permission"
  | "kernel_version"
  | "kernel_config"
  | "infinite_loop";

/** Figures that the analysis ends with, whatever its verdict. */
export interface VerifierFigures {
  /** Instructions walked over, counting every path. */
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly maxStatesPerInstruction: number;
  /** Bytes of stack of each function, in the order of their starts. */
  readonly stackDepths: readonly number[];
}

interface Answer extends VerifierFigures {
  readonly log: string;
  /** Time taken, where the options brought a clock. */
  readonly microseconds: number | undefined;
}

/** The program may be loaded. */
export interface Accepted extends Answer {
  readonly verdict: "accepted";
  readonly facts: ProgramFacts;
}

/** The kernel would refuse the program. */
export interface Rejected extends Answer {
  readonly verdict: "rejected";
  readonly code: RejectionCode;
  /** Positive errno of bpf(2). */
  readonly errno: number;
  /** The last line of the kernel's log before its figures. */
  readonly message: string;
  /** Slot of the instruction that the analysis stopped at; -1 where it is about none (an older kernel lacks a map type). */
  readonly insn: number;
  /** Index into the input's line records, where there are any. */
  readonly line: number | undefined;
}

/** The analysis met something that it does not model: no verdict. */
export interface NotReached extends Answer {
  readonly verdict: "not_reached";
  /** What is missing. */
  readonly message: string;
  readonly insn: number;
}

/** The verifier's answer. */
export type Verdict = Accepted | Rejected | NotReached;

/** What the analysis proved of an accepted program, by slot: for compilers and for people. */
export interface ProgramFacts {
  /** Times that each instruction was walked over; 0: no path reaches it. */
  readonly visits: Uint32Array;
  /** Type of the pointer that a load, store or atomic goes through (`pointer-types.ts`); 0 where none was seen. */
  readonly pointerTypes: Int32Array;
  /** Bit 0: the jump was taken on some path; bit 1: it was not taken on some path. */
  readonly branches: Uint8Array;
  /** Bytes of the context up to the last that the program accesses: what a test run has to give it at least. */
  readonly contextSize: number;
  /** First slot of each function. */
  readonly functions: readonly number[];
  /**
   * Slots that a run of the program executes at most, in its own functions: Infinity where there is no such limit or the
   * walk didn't show it (callbacks, open-coded iterators, may_goto, global functions).
   */
  readonly longestRun: number;
}
