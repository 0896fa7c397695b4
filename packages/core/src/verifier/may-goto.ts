import { pushPath } from "./pending.js";
import type { Walk } from "./walk.js";
import { widenScalars } from "./widening.js";

/** `may_goto`: jumps once the program's budget of such jumps is used up, falls through until then. */
export function stepMayGoto(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot, state } = analysis;
  if (insns.src[slot] !== 0 || insns.dst[slot] !== 0 || insns.imm[slot] !== 0) {
    analysis.invalid("malformed", `invalid may_goto imm ${insns.imm[slot]}`);
  }
  const previous = state.parent === undefined ? undefined : walk.checkpoints.previousEntry(state.parent, slot);
  const again = pushPath(analysis, slot + 1, slot);
  again.mayGotoDepth++;
  if (previous !== undefined) widenScalars(walk, previous, again);
  analysis.slot = slot + 1 + insns.offset[slot]!;
}
