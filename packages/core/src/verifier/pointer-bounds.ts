import { type Analysis, Rejection } from "./analysis.js";
import { isConstant, OFF, registerAt, TYPE, VALUE } from "./domain/register.js";
import { checkMapValueRegion } from "./map-values.js";
import { MAP_VALUE, STACK } from "./pointer-types.js";
import { printTnum } from "./print-state.js";
import { MAX_STACK } from "./state.js";
import type { Walk } from "./walk.js";

/** Pointers that can be masked must stay within what they point into, even where nothing is accessed. */
export function requireWithinBounds(walk: Walk, register: number): void {
  const { analysis } = walk;
  if (!analysis.speculates) return;
  const r = analysis.frame.records;
  const at = registerAt(register);
  if (r[at + TYPE] === STACK) requireWithinStack(analysis, register, r, at);
  if (r[at + TYPE] !== MAP_VALUE) return;
  try {
    checkMapValueRegion(walk, register, r[at + OFF]!, 1, false, false);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const message = `R${register} pointer arithmetic of map value goes out of range, prohibited for !root`;
    analysis.deny("pointer_arithmetic", message);
  }
}

function requireWithinStack(analysis: Analysis, register: number, r: Int32Array, at: number): void {
  const offset = r[at + OFF]! + r[at + VALUE]!;
  if (!isConstant(r, at)) {
    const place = `var_off=${printTnum(r, at)} off=${offset}`;
    analysis.deny("stack_access", `R${register} variable stack access prohibited for !root, ${place}`);
  }
  if (offset < 0 && offset >= -MAX_STACK) return;
  const message = `R${register} stack pointer arithmetic goes out of range, prohibited for !root; off=${offset}`;
  analysis.deny("stack_access", message);
}
