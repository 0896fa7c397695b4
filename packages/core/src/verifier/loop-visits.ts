import type { Analysis } from "./analysis.js";
import { markAllPrecise, type PrecisionTracker } from "./precision.js";
import type { LoopVisit, State } from "./state.js";

/** Rounds after which everything is taken to be precise. */
const MAX_ROUNDS = 64;

/**
 * Loops being walked. A path that comes back to a checkpoint of its own loop ends there, although that checkpoint's
 * paths aren't finished, and what will prove precise in it isn't known yet. Once all paths of the loop are done, the
 * precision of each checkpoint is carried over to the states that were held equal to it, until nothing changes.
 */
export class LoopVisits {
  readonly #analysis: Analysis;
  readonly #precision: PrecisionTracker;
  readonly #visits = new Map<string, LoopVisit>();
  /** States kept, of all loops. */
  backedges = 0;

  constructor(analysis: Analysis, precision: PrecisionTracker) {
    this.#analysis = analysis;
    this.#precision = precision;
  }

  clear(): void {
    this.#visits.clear();
    this.backedges = 0;
  }

  /** Names the outermost loop that a state is in, and the calls that lead there; undefined outside of loops. */
  #key(state: State): string | undefined {
    const { loopOf } = this.#analysis;
    if (state.frames.length === 1) {
      const loop = loopOf[state.slot]!;
      return loop === 0 ? undefined : `${loop}`;
    }
    let key = "";
    for (let index = 0; index < state.frames.length; index++) {
      const slot = state.slotOfFrame(index);
      const loop = loopOf[slot]!;
      if (loop !== 0) return `${key}${loop}`;
      key += `${slot},`;
    }
    return undefined;
  }

  /** A checkpoint was taken. */
  enter(state: State): void {
    const key = this.#key(state);
    if (key === undefined) return;
    let visit = this.#visits.get(key);
    if (visit === undefined) {
      visit = { key, entry: undefined, backedges: [] };
      this.#visits.set(key, visit);
    }
    state.loop = visit;
    if (visit.entry !== undefined) return;
    visit.entry = state;
    this.#log("enter", visit);
  }

  /** All paths from a checkpoint are done. */
  exit(state: State, notePeak: () => void): void {
    const visit = state.loop;
    if (visit === undefined || visit.entry !== state) return;
    this.#log("exit", visit);
    visit.entry = undefined;
    this.backedges -= visit.backedges.length;
    notePeak();
    this.#propagate(visit);
  }

  addBackedge(old: State, backedge: State): void {
    const visit = old.loop;
    if (visit === undefined) this.#analysis.notModelled("a loop that was entered without a checkpoint");
    this.#log("backedge", visit);
    visit.backedges.push(backedge);
    this.backedges++;
  }

  /** What is precise in the checkpoint may not be known yet. */
  isIncomplete(state: State): boolean {
    return state.loop !== undefined && state.loop.backedges.length > 0;
  }

  #propagate(visit: LoopVisit): void {
    let round = 0;
    for (let changed = true; changed; ) {
      if (round++ > MAX_ROUNDS) {
        for (const backedge of visit.backedges) markAllPrecise(this.#analysis, backedge);
        break;
      }
      changed = false;
      for (let index = visit.backedges.length - 1; index >= 0; index--) {
        const backedge = visit.backedges[index]!;
        if (this.#precision.propagate(backedge.equal!, backedge)) changed = true;
      }
    }
    for (const backedge of visit.backedges) backedge.discard(this.#analysis.pool);
    visit.backedges = [];
  }

  #log(what: string, { key }: LoopVisit): void {
    if (this.#analysis.log.steps) this.#analysis.log.write(`SCC ${what} (${key})\n`);
  }
}
