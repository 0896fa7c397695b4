import { type Analysis, MAX_JUMP_SEQUENCE } from "./analysis.js";
import type { State } from "./state.js";
import { E2BIG } from "./verdict.js";

/** Puts a copy of the current state aside, to be walked from `slot` later. Returns the copy, for the caller to amend. */
export function pushPath(analysis: Analysis, slot: number, previousSlot: number): State {
  const state = analysis.state.copy(analysis.pool);
  return pushState(analysis, state, slot, previousSlot);
}

export function pushState(analysis: Analysis, state: State, slot: number, previousSlot: number, what = ""): State {
  analysis.pending.push({ state, slot, previousSlot, logPosition: analysis.log.position });
  if (analysis.pending.length > MAX_JUMP_SEQUENCE) {
    analysis.reject("too_complex", E2BIG, `The sequence of ${analysis.pending.length} jumps is too complex${what}.`);
  }
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}
