import { ID, OFF, registerAt, slotAt, TYPE } from "./domain/register.js";
import { ADD_CONSTANT } from "./linked.js";
import { SCALAR } from "./pointer-types.js";
import { FP, type State } from "./state.js";

/** Calls `visit` for every register and every spilled register of a state. */
export function forEachRegister(state: State, visit: (records: Int32Array, at: number) => void): void {
  for (const frame of state.frames) {
    for (let register = 0; register <= FP; register++) visit(frame.records, registerAt(register));
    for (let slot = 0; slot < frame.slots; slot++) {
      if (frame.holdsSpill(slot)) visit(frame.records, slotAt(slot));
    }
  }
}

/** An id that only one scalar carries links nothing: it goes, so that it does not keep states apart. */
export function clearSingularIds(state: State): void {
  const counts = new Map<number, number>();
  forEachRegister(state, (r, at) => {
    if (r[at + TYPE] !== SCALAR || r[at + ID] === 0) return;
    const id = r[at + ID]! & ~ADD_CONSTANT;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  });
  if (counts.size === 0) return;
  forEachRegister(state, (r, at) => {
    if (r[at + TYPE] !== SCALAR || r[at + ID] === 0) return;
    if (counts.get(r[at + ID]! & ~ADD_CONSTANT) !== 1) return;
    r[at + ID] = 0;
    r[at + OFF] = 0;
  });
}
