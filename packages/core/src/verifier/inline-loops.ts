import { registerAt } from "./domain/register.js";
import { isNull } from "./registers.js";
import type { Walk } from "./walk.js";

/** Calls of bpf_loop that always had flags of 0, by slot. */
export class InlineLoops {
  readonly #fit = new Map<number, boolean>();

  note(walk: Walk): void {
    const { slot, frame } = walk.analysis;
    if (this.#fit.get(slot) === false) return;
    const fits = isNull(frame.records, registerAt(4));
    if (fits) walk.precision.mark(4);
    this.#fit.set(slot, fits);
  }
}
