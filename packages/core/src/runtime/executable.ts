import type { WasmTable } from "../wasm/index.js";
import type { RunStatus } from "./run-result.js";

/** An arena as its program's pointers see it. */
export interface ArenaWindow {
  /** Where the arena lies in linear memory. */
  readonly base: number;
  /** The user address (`user_vm_start`) whose pointers programs store in the arena. */
  readonly userStart: { readonly low: number; readonly high: number };
}

/** A program as the engines take it: nothing in it needs a host any more. */
export interface Executable {
  readonly name: string;
  /**
   * Little-endian slots. References are resolved: a lddw keeps its pseudo source, and its two immediates are the value
   * that the register gets (a map's header, an address in a map's value). The pseudo source of functions
   * (`BPF_PSEUDO_FUNC`) keeps its distance in slots. The immediate of a kfunc call is an id in the kfunc table.
   */
  readonly insns: Uint8Array;
  readonly arena?: ArenaWindow | undefined;
  /**
   * Slots of loads, stores and atomics that the kernel guards: those through arena and through BTF pointers that may be
   * null or stale. Where such an access isn't allowed, a load gives 0 and anything else does nothing.
   */
  readonly guarded?: ReadonlySet<number> | undefined;
  /** Slot of the function that bpf_throw() ends in; without one, the thrown number is the program's result. */
  readonly exceptionCallback?: number | undefined;
  /**
   * True for a program that a verifier accepted for these very maps and this context. Other programs' helper arguments
   * are checked as well, where the runtime has been told how (`HelperTable.setGuard`).
   */
  readonly verified?: boolean | undefined;
}

/**
 * A program that an engine has made ready. `record` is the address of its {@link programRecord}, which is what prog
 * arrays hold.
 */
export interface ProgramImage {
  readonly name: string;
  readonly record: number;
  /** Addresses of the records of functions that helpers may call back. */
  readonly functions: readonly number[];
  /** Slot of the function that bpf_throw() ends in. */
  readonly exceptionCallback: number | undefined;
  /** Runs in an execution area that the runtime has set up; r1 gets `context`, zero-extended. */
  execute(area: number, context: number): RunStatus;
  /**
   * Runs it `times` times, at least once, each time on what the time before left behind, without coming back in between:
   * for engines that have a faster way than doing it from outside. The first run that doesn't exit ends it.
   */
  repeat?(area: number, context: number, times: number): RunStatus;
  /**
   * Carries out the runs `from` to `to` (exclusive) of the `PacketRing` at `ring`, for programs that call nothing that
   * looks at the run in progress. The first run that doesn't exit ends it; the ring says which that was.
   */
  readonly batch?: ((area: number, ring: number, from: number, to: number) => number) | undefined;
  /**
   * Runs one of the program's functions in the run that `area` belongs to, one frame deeper, with r1 to r5
   * zero-extended: how helpers call back. `entry` is a function record's {@link functionRecord} entry.
   */
  invoke(area: number, entry: number, a1: number, a2: number, a3: number, a4: number, a5: number): RunStatus;
  /** Slot of the instruction that `position` in an execution area means. */
  slotAt(position: number): number;
  /** Frees what the image holds in linear memory. It must not be running. */
  close(): void;
}

/** What both engines are. */
export interface Engine {
  readonly name: "interpreter" | "jit";
  /**
   * @throws BpfError `"INVALID_PROGRAM"` with `slot` and `reason` in its details for what no engine can run: unknown
   * opcodes and helpers, registers beyond r10, jumps out of the program or into the middle of a lddw.
   */
  prepare(executable: Executable): ProgramImage;
}

/**
 * Where tail calls between the programs of different engines go: a table of functions `(frame: i32, left: i64, r1: i64) ->
 * (r0: i64, left: i64)`, which start a program in the frame at `frame`, with `left` slots left of the budget.
 */
export interface ProgramEntries {
  readonly table: WasmTable;
  /** Index of `entry`, an exported WebAssembly function, from now on. */
  add(entry: unknown): number;
  /** No tail call goes to this index any more. */
  remove(index: number): void;
}

/** {@link programRecord}'s entry of a program that no table holds: a tail call to it from another engine's is a fault. */
export const NO_ENTRY = 0xffffffff;

/** A program's record in linear memory, 16 bytes. Prog arrays store its address; 0 is an empty slot. */
export const programRecord = {
  /** Index in {@link ProgramEntries}, or {@link NO_ENTRY} (u32). */
  entry: 0,
  /** Slots (u32). */
  slots: 4,
  /** Call frames that it may nest, its own included (u32). */
  frames: 8,
  /** Where the interpreter finds it, its own meaning; 0 for programs that it doesn't run (u32). */
  code: 12,
  size: 16,
} as const;

/**
 * A function's record in linear memory, 16 bytes. Its address is what a lddw with `BPF_PSEUDO_FUNC` loads and what
 * helpers get as a callback.
 */
export const functionRecord = {
  /** Address of the record of the program it belongs to (u32). */
  program: 0,
  /** Where it starts, engine's own meaning (u32). */
  entry: 4,
  /** Its first slot (u32). */
  slot: 8,
  size: 16,
} as const;
