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
  const widening = new Widening(walk);
  current.frames.forEach((frame, index) => {
    widening.widenFrame(old.frames[index]!, frame);
  });
}

class Widening {
  readonly #walk: Walk;
  /** Ids of the last round by those of this one, and the other way round: links count, not their numbers. */
  readonly #newIds = new Map<number, number>();
  readonly #oldIds = new Map<number, number>();

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  widenFrame(old: Frame, current: Frame): void {
    for (let register = 0; register < 11; register++) {
      this.#widen(old.records, current.records, registerAt(register));
    }
    for (let slot = 0; slot < Math.min(old.slots, current.slots); slot++) {
      if (old.holdsSpill(slot) && current.holdsSpill(slot)) this.#widen(old.records, current.records, slotAt(slot));
    }
  }

  #widen(old: Int32Array, current: Int32Array, at: number): void {
    if (old[at + TYPE] !== SCALAR || current[at + TYPE] !== SCALAR) return;
    if (old[at + PRECISE] === 1 || current[at + PRECISE] === 1) return;
    if (!this.#unchanged(old, current, at)) setUnknownScalar(this.#walk.analysis, current, at);
  }

  #unchanged(old: Int32Array, current: Int32Array, at: number): boolean {
    for (let word = 0; word < ID; word++) {
      if (old[at + word] !== current[at + word]) return false;
    }
    const [from, to] = [old[at + ID]!, current[at + ID]!];
    if (from === 0 || to === 0) return from === to;
    const known = this.#newIds.get(from);
    if (known !== undefined) return known === to;
    if (this.#oldIds.has(to)) return false;
    this.#newIds.set(from, to);
    this.#oldIds.set(to, from);
    return true;
  }
}
