import type { LinearMemory } from "../wasm/index.js";
import type { RunStatus } from "./run-result.js";
import type { RunContext } from "./run-stack.js";

/**
 * Runs that are waiting, in linear memory: what each starts with, and how it ended. Generated code goes from one to the
 * next without coming back. Offsets are bytes; fields are u32s where nothing else is said.
 */
export const ringEntry = {
  /** Address of the context. */
  context: 0,
  /** Bounds of direct packet access, as {@link RunContext} has them. */
  packetStart: 4,
  packetEnd: 8,
  /** Low half of r0 after the run. */
  r0: 12,
  /** Nanoseconds since boot that the program finds (u64). */
  time: 16,
  size: 24,
} as const;

/** In front of the entries. */
export const ringHeader = {
  /** Index of the run in progress. */
  next: 0,
  /** Bytes of each context. */
  contextSize: 4,
  /** Address of a counter that goes up by one before each run: what maps gave back in one can be used in the next. */
  runNumber: 8,
  size: 16,
} as const;

/** A ring of runs on contexts of one size. */
export class PacketRing {
  readonly address: number;
  readonly capacity: number;
  readonly #memory: LinearMemory;

  constructor(memory: LinearMemory, parts: { capacity: number; contextSize: number; runNumber: number }) {
    this.#memory = memory;
    this.capacity = parts.capacity;
    this.address = memory.alloc(ringHeader.size + parts.capacity * ringEntry.size, 16);
    memory.u32[(this.address + ringHeader.contextSize) >>> 2] = parts.contextSize;
    memory.u32[(this.address + ringHeader.runNumber) >>> 2] = parts.runNumber;
  }

  /** Index of the run in progress, or of the one that ended the batch. */
  get next(): number {
    return this.#memory.u32[(this.address + ringHeader.next) >>> 2]!;
  }

  /** Address of the entry of a run. */
  entry(index: number): number {
    return this.address + ringHeader.size + index * ringEntry.size;
  }

  /** Sets what a run starts with. */
  set(index: number, { address, packetStart, packetEnd }: RunContext, time: number): void {
    const at = this.entry(index) >>> 2;
    const words = this.#memory.u32;
    words[at] = address;
    words[at + 1] = packetStart;
    words[at + 2] = packetEnd;
    words[at + 4] = time % 2 ** 32;
    words[at + 5] = time / 2 ** 32;
  }

  /** Low half of r0 that a run left, unsigned. */
  r0(index: number): number {
    return this.#memory.u32[(this.entry(index) + ringEntry.r0) >>> 2]!;
  }

  close(): void {
    this.#memory.free(this.address);
  }
}

/** What is told of a run that didn't exit: while it is, `Runtime.result(status)` says more. */
export type BatchFailure = (index: number, status: RunStatus) => void;
