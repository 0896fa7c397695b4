import { E2BIG } from "../abi/index.js";
import { type Analysis, MAX_JUMP_SEQUENCE } from "./analysis.js";
import { registerAt } from "./domain/register.js";
import { setUnknownScalar } from "./registers.js";
import type { State } from "./state.js";

/** Puts a copy of the current state aside, to be walked from `slot` later. Returns the copy, for the caller to amend. */
export function pushPath(analysis: Analysis, slot: number, previousSlot: number): State {
  const state = analysis.state.copy(analysis.pool);
  return pushState(analysis, state, slot, previousSlot);
}

/**
 * {@link pushPath} for a path that a CPU may take by a wrong guess. What was compared to get here says nothing there: the
 * registers in `unknown` can hold anything.
 */
export function pushSpeculation(
  analysis: Analysis,
  slot: number,
  previousSlot: number,
  unknown: readonly number[],
): void {
  const path = pushPath(analysis, slot, previousSlot);
  path.speculative = true;
  for (const register of unknown) setUnknownScalar(analysis, path.frame.records, registerAt(register));
}

export function pushState(analysis: Analysis, state: State, slot: number, previousSlot: number, what = ""): State {
  analysis.pending.push({ state, slot, previousSlot, logPosition: analysis.log.position });
  if (analysis.pending.length > MAX_JUMP_SEQUENCE) {
    analysis.reject("too_complex", E2BIG, `The sequence of ${analysis.pending.length} jumps is too complex${what}.`);
  }
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}
