/** How a run ended, as generated code returns it. */
export const RUN_EXIT = 0;
export const RUN_FAULT = 1;
export const RUN_BUDGET = 2;
/** Only when stepping: the run stopped before an instruction and can go on. */
export const RUN_STOPPED = 3;

/** How a run ended, as engines return it. */
export type RunStatus = typeof RUN_EXIT | typeof RUN_FAULT | typeof RUN_BUDGET | typeof RUN_STOPPED;

/**
 * Why a run was stopped; the index is the number in the execution area.
 *
 * - `access`: a load, store or atomic outside of every region, across the end of one, or through a null pointer.
 * - `read_only`: a store to memory that can only be read.
 * - `call_depth`: a ninth frame.
 * - `call_target`: callx to what is neither a function of the program nor a helper, or a callback that is no function.
 * - `no_exit`: execution ran past the last instruction.
 * - `helper`: a helper refused its arguments in a way the kernel's verifier rules out; the message says how.
 * - `thrown`: a helper's implementation failed.
 */
export const faultReasons = [
  "none",
  "access",
  "read_only",
  "call_depth",
  "call_target",
  "no_exit",
  "helper",
  "thrown",
] as const;

/** Why a run ended with a fault. */
export type FaultReason = Exclude<(typeof faultReasons)[number], "none">;

/** Numbers of {@link faultReasons}, for generated code. */
export const FAULT_ACCESS = 1;
export const FAULT_READ_ONLY = 2;
export const FAULT_CALL_DEPTH = 3;
export const FAULT_CALL_TARGET = 4;
export const FAULT_NO_EXIT = 5;
export const FAULT_HELPER = 6;
export const FAULT_THROWN = 7;

/** A program did what the verifier would not have let it do. */
export interface Fault {
  readonly reason: FaultReason;
  /** Name of the program that was running, which after a tail call isn't the one that was started. */
  readonly program: string;
  /** Slot of the instruction. */
  readonly slot: number;
  /** Nesting of bpf-to-bpf calls, 0 in the program's own frame. */
  readonly depth: number;
  /** For accesses: the whole 64-bit address. */
  readonly address: bigint;
  /** For accesses: bytes. */
  readonly size: number;
  readonly write: boolean;
  /** The region that the access hit or narrowly missed: `"stack"`, `"context"`, `"packet"`, `"map blocked"`. */
  readonly region: string | undefined;
  /** r0 to r10. */
  readonly registers: readonly bigint[];
  /** One sentence, e.g. `"load of 4 bytes at 0x10 (r2 of slot 3): outside of every region"`. */
  readonly message: string;
  /** What a helper threw, for reason `thrown`. */
  readonly cause?: unknown;
}

/** How a run ended. Faults and exhausted budgets are values. */
export type RunResult =
  | { readonly kind: "exit" /** All 64 bits, unsigned. */; readonly r0: bigint }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** The budget ran out at `slot`: a backward jump, a call or a tail call. */
  | { readonly kind: "budget"; readonly program: string; readonly slot: number };
