import type { Analysis } from "./analysis.js";
import { isConstant, OFF, registerAt, VALUE } from "./domain/register.js";
import { pointedFrame, slotOfOffset } from "./stack-access.js";
import type { Walk } from "./walk.js";

/** The stack is not allocated as far as the object would reach. */
export const NOT_ALLOCATED = -2;
/** No object can be there; the log says why. */
export const NO_PLACE = -1;

/**
 * The slot at the lowest address of an object of `slots` stack slots that a stack pointer points to; the object takes up
 * the slots with smaller numbers behind it.
 */
export function placeOfObject(walk: Walk, register: number, kind: string, slots: number): number {
  const analysis: Analysis = walk.analysis;
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (!isConstant(records, at)) {
    analysis.log.write(`${kind} has to be at a constant offset\n`);
    return NO_PLACE;
  }
  const offset = records[at + OFF]! + records[at + VALUE]!;
  const slot = slotOfOffset(offset);
  if (offset % 8 !== 0 || slot + 1 < slots) {
    analysis.log.write(`cannot pass in ${kind} at an offset=${offset}\n`);
    return NO_PLACE;
  }
  return slot < pointedFrame(walk, register).slots ? slot : NOT_ALLOCATED;
}
