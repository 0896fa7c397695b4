import { AUX, clearRegister, ID, OBJECT, slotAt, TYPE } from "./domain/register.js";
import { setUnreadable } from "./invalidate.js";
import { forEachRegister } from "./linked-scalars.js";
import { MAYBE_NULL, MEM } from "./pointer-types.js";
import { BYTE_DYNPTR, type Frame } from "./state.js";
import type { Walk } from "./walk.js";

/**
 * A dynptr takes up two stack slots. Their records hold its kind in {@link AUX}, with {@link FIRST} in the slot at the
 * lower address.
 */
export const DYNPTR_SLOTS = 2;
export const DYNPTR_KIND = 0xff;
export const FIRST = 0x100;

const RINGBUF = 2;
const FILE = 6;

/** Kinds that stand for something that has to be given back. */
export function isReferenced(kind: number): boolean {
  return kind === RINGBUF || kind === FILE;
}

export function noteDynptrWritten(walk: Walk, frame: Frame, slot: number): void {
  for (let i = 0; i < DYNPTR_SLOTS; i++) walk.liveness.write(frame.number, slot - i);
}

/** The slots hold nothing any more. */
export function clearDynptr(walk: Walk, frame: Frame, slot: number): void {
  for (let i = 0; i < DYNPTR_SLOTS; i++) {
    clearRegister(frame.records, slotAt(slot - i));
    frame.setBytes(slot - i, 0);
  }
  noteDynptrWritten(walk, frame, slot);
}

/** A store into a slot of a dynptr destroys it; one that stands for something acquired must not be. */
export function destroyDynptrAt(walk: Walk, frame: Frame, slot: number): void {
  const { analysis } = walk;
  if (slot >= frame.slots || (frame.bytes(slot) & 0xf) !== BYTE_DYNPTR) return;
  const { records } = frame;
  const first = (records[slotAt(slot) + AUX]! & FIRST) !== 0 ? slot : slot + 1;
  const at = slotAt(first);
  if (isReferenced(records[at + AUX]! & DYNPTR_KIND)) {
    analysis.invalid("reference", "cannot overwrite referenced dynptr");
  }
  analysis.touchSlot(first);
  analysis.touchSlot(first - 1);
  const id = records[at + ID]!;
  frame.setBytes(first, 0);
  frame.setBytes(first - 1, 0);
  forEachRegister(analysis.state, (r, i) => {
    const type = r[i + TYPE]! & ~MAYBE_NULL;
    if (type === MEM && r[i + OBJECT] === id) setUnreadable(analysis, r, i);
  });
  clearDynptr(walk, frame, first);
}
