import type { Analysis } from "./analysis.js";
import { successors } from "./successors.js";

/** The control flow within the program's functions, against its direction. */
export class Predecessors {
  /** By slot: where its predecessors start in {@link #slots}; they end where the next slot's start. */
  readonly #starts: Int32Array;
  readonly #slots: Int32Array;

  constructor(analysis: Analysis) {
    const { insns } = analysis;
    const starts = new Int32Array(insns.length + 2);
    forEachEdge(analysis, (_from, to) => {
      starts[to + 2] = starts[to + 2]! + 1;
    });
    for (let slot = 2; slot < starts.length; slot++) starts[slot] = starts[slot]! + starts[slot - 1]!;
    const slots = new Int32Array(starts[insns.length + 1]!);
    forEachEdge(analysis, (from, to) => {
      slots[starts[to + 1]!] = from;
      starts[to + 1] = starts[to + 1]! + 1;
    });
    this.#starts = starts;
    this.#slots = slots;
  }

  /** Sets the bytes of an instruction's predecessors; `base` is the slot of the first byte. */
  mark(slot: number, bytes: Uint8Array, base: number): void {
    const end = this.#starts[slot + 1]!;
    for (let i = this.#starts[slot]!; i < end; i++) bytes[this.#slots[i]! - base] = 1;
  }
}

function forEachEdge({ insns, postorder, subprograms }: Analysis, visit: (from: number, to: number) => void): void {
  const next = new Int32Array(2);
  for (const { postorderStart, postorderEnd, exitSlot } of subprograms) {
    for (let i = postorderStart; i < postorderEnd; i++) {
      const from = postorder[i]!;
      const count = successors(insns, from, next, exitSlot);
      for (let edge = 0; edge < count; edge++) visit(from, next[edge]!);
    }
  }
}
