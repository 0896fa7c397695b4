import { slotAt } from "./domain/register.js";
import { BYTE_DYNPTR, type Frame } from "./state.js";
import type { Walk } from "./walk.js";

/** A store into a slot of a dynptr destroys it; one that stands for something acquired must not be. */
export function destroyDynptrAt(walk: Walk, frame: Frame, slot: number): void {
  if (slot >= frame.slots || (frame.bytes(slot) & 0xf) !== BYTE_DYNPTR) return;
  walk.analysis.notModelled(`overwriting a dynptr (stack word ${slotAt(slot)})`);
}
