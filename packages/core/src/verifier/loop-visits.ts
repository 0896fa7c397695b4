import type { Analysis } from "./analysis.js";
import { markAllPrecise, type PrecisionTracker } from "./precision.js";
import type { State } from "./state.js";

/** Rounds after which everything is taken to be precise. */
const MAX_ROUNDS = 64;

interface Visit {
  /** The checkpoint through which the loop was entered; undefined once all paths from it are done. */
  entry: State | undefined;
  /** States in which paths came back to a checkpoint of the loop. */
  backedges: State[];
}

/**
 * Loops being walked. A path that comes back to a checkpoint of its own loop ends there, although that checkpoint's
 * paths aren't finished, and what will prove precise in it isn't known yet. Once all paths of the loop are done, the
 * precision of each checkpoint is carried over to the states that were held equal to it, until nothing changes.
 */
export class LoopVisits {
  readonly #analysis: Analysis;
  readonly #precision: PrecisionTracker;
  readonly #visits = new Map<string, Visit>();
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

  #describe(key: string): string {
    return `(${key})`;
  }

  /** A checkpoint was taken. */
  enter(state: State): void {
    const key = this.#key(state);
    if (key === undefined) return;
    let visit = this.#visits.get(key);
    if (visit === undefined) {
      visit = { entry: undefined, backedges: [] };
      this.#visits.set(key, visit);
    }
    if (visit.entry !== undefined) return;
    visit.entry = state;
    this.#log(`SCC enter ${this.#describe(key)}\n`);
  }

  /** All paths from a checkpoint are done. */
  exit(state: State, notePeak: () => void): void {
    const key = this.#key(state);
    const visit = key === undefined ? undefined : this.#visits.get(key);
    if (key === undefined || visit === undefined || visit.entry !== state) return;
    this.#log(`SCC exit ${this.#describe(key)}\n`);
    visit.entry = undefined;
    this.backedges -= visit.backedges.length;
    notePeak();
    this.#propagate(visit);
  }

  addBackedge(old: State, backedge: State): void {
    const key = this.#key(old);
    const visit = key === undefined ? undefined : this.#visits.get(key);
    if (key === undefined || visit === undefined) {
      this.#analysis.notModelled("a loop that was entered without a checkpoint");
    }
    this.#log(`SCC backedge ${this.#describe(key)}\n`);
    visit.backedges.unshift(backedge);
    this.backedges++;
  }

  /** What is precise in the checkpoint may not be known yet. */
  isIncomplete(state: State): boolean {
    const key = this.#key(state);
    return key !== undefined && (this.#visits.get(key)?.backedges.length ?? 0) > 0;
  }

  #propagate(visit: Visit): void {
    let round = 0;
    for (let changed = true; changed; ) {
      if (round++ > MAX_ROUNDS) {
        for (const backedge of visit.backedges) markAllPrecise(this.#analysis, backedge);
        break;
      }
      changed = false;
      for (const backedge of visit.backedges) {
        if (this.#precision.propagate(backedge.equal!, backedge)) changed = true;
      }
    }
    for (const backedge of visit.backedges) backedge.discard(this.#analysis.pool);
    visit.backedges = [];
  }

  #log(text: string): void {
    if (this.#analysis.log.steps) this.#analysis.log.write(text);
  }
}
