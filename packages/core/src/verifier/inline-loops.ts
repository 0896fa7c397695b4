import type { Analysis } from "./analysis.js";
import { registerAt } from "./domain/register.js";
import type { PrecisionTracker } from "./precision.js";
import { isNull } from "./registers.js";

/** Calls of bpf_loop that always had flags of 0, by slot. */
export class InlineLoops {
  readonly #fit = new Map<number, boolean>();

  /** A path is at such a call. */
  note({ slot, frame }: Analysis, precision: PrecisionTracker): void {
    if (this.#fit.get(slot) === false) return;
    const fits = isNull(frame.records, registerAt(4));
    if (fits) precision.mark(4);
    this.#fit.set(slot, fits);
  }
}
