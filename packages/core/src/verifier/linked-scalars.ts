import { registerAt, slotAt } from "./domain/register.js";
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
