import { OPCODE_EXIT, OPCODE_LDDW, SLOT_SIZE } from "../isa/index.js";

/**
 * Puts an exit in place of every instruction that no path reaches, as the kernel takes such instructions out: they may
 * be anything, calls of functions that aren't there included.
 *
 * @param visits times that the verifier walked over each slot.
 * @returns the same bytes, or a copy where something changed.
 */
export function removeDeadCode(insns: Uint8Array, visits: Uint32Array): Uint8Array {
  let copy: Uint8Array | undefined;
  for (let slot = 0; slot < visits.length; slot++) {
    const at = slot * SLOT_SIZE;
    const isWide = insns[at] === OPCODE_LDDW;
    if (visits[slot] === 0) {
      copy ??= insns.slice();
      for (let each = at; each < at + (isWide ? 2 : 1) * SLOT_SIZE; each += SLOT_SIZE) {
        copy.fill(0, each, each + SLOT_SIZE);
        copy[each] = OPCODE_EXIT;
      }
    }
    if (isWide) slot++;
  }
  return copy ?? insns;
}
