import { ID, PRECISE, registerAt, slotAt, TYPE } from "./domain/register.js";
import { SCALAR } from "./pointer-types.js";
import { setUnknownScalar } from "./registers.js";
import type { Frame, State } from "./state.js";
import type { Walk } from "./walk.js";

/**
 * Before another round of a loop whose end is not in its values (an iterator, a callback, `may_goto`): scalars that
 * changed since the last round, and that nothing relied on so far, are taken to be anything, so that the rounds converge.
 */
export function widenScalars(walk: Walk, old: State, current: State): void {
  current.frames.forEach((frame, index) => {
    widenFrame(walk, old.frames[index]!, frame);
  });
}

function widenFrame(walk: Walk, old: Frame, current: Frame): void {
  for (let register = 0; register < 11; register++) {
    widenOne(walk, old.records, current.records, registerAt(register));
  }
  for (let slot = 0; slot < Math.min(old.slots, current.slots); slot++) {
    if (old.holdsSpill(slot) && current.holdsSpill(slot)) widenOne(walk, old.records, current.records, slotAt(slot));
  }
}

function widenOne(walk: Walk, old: Int32Array, current: Int32Array, at: number): void {
  if (old[at + TYPE] !== SCALAR || current[at + TYPE] !== SCALAR) return;
  if (old[at + PRECISE] === 1 || current[at + PRECISE] === 1) return;
  for (let word = 0; word < ID; word++) {
    if (old[at + word] !== current[at + word]) {
      setUnknownScalar(walk.analysis, current, at);
      return;
    }
  }
}
