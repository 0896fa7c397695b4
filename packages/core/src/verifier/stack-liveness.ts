import { type Analysis, CALLS_CALLBACK, PRUNE_POINT, type Subprogram } from "./analysis.js";
import { CallChain, LIVE, MAY_READ, MUST_WRITE, WORDS, WRITTEN_FROM } from "./call-chain.js";
import { Predecessors } from "./predecessors.js";
import type { State } from "./state.js";
import { successors } from "./successors.js";

/**
 * Which stack slots of a checkpoint can still matter. While paths are walked, every instruction's reads and writes are
 * noted for its call chain; when a path ends, the live-variable equations are solved over each function of its chain:
 *
 *     live(i) = (union of live(s) over successors s) - written(i) + read(i)
 *
 * A callee's effect on its callers' stacks counts as the call's. A checkpoint whose paths are all done has all its marks.
 */
export class StackLiveness {
  readonly #analysis: Analysis;
  readonly #roots = new Map<number, CallChain>();
  #current: CallChain | undefined;
  /** Slots of each frame that the current instruction has written. */
  readonly #written = new Int32Array(16);
  readonly #next = new Int32Array(2);
  #predecessors: Predecessors | undefined;
  /** The instruction that {@link begin} was called for. */
  #slot = 0;
  readonly #queried: CallChain[] = [];
  #queriedState: State | undefined;

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
  }

  #chainOf(state: State, depth: number): CallChain {
    let chain = this.#child(undefined, -1, state.frames[0]!.subprogram);
    for (let i = 1; i <= depth; i++) {
      const frame = state.frames[i]!;
      chain = this.#child(chain, frame.callsite, frame.subprogram);
    }
    return chain;
  }

  #child(parent: CallChain | undefined, callsite: number, subprogram: number): CallChain {
    const { start, end } = this.#analysis.subprograms[subprogram]!;
    const siblings = parent === undefined ? this.#roots : parent.children;
    // A callback's call site can lead to several functions.
    const key = parent === undefined ? start : callsite * 0x100000 + start;
    let chain = siblings.get(key);
    if (chain === undefined) {
      chain = new CallChain(parent, callsite, start, end);
      siblings.set(key, chain);
    }
    return chain;
  }

  /** The chain of calls changed. */
  leaveChain(): void {
    this.#current = undefined;
  }

  begin(): void {
    const { state } = this.#analysis;
    this.#slot = this.#analysis.slot;
    this.#current ??= this.#chainOf(state, state.frames.length - 1);
    const words = 2 * state.frames.length;
    for (let i = 0; i < words; i++) this.#written[i] = 0;
  }

  /** The current instruction may read a stack slot. */
  read(frame: number, stackSlot: number): void {
    const { state, slot } = this.#analysis;
    this.#current ??= this.#chainOf(state, state.frames.length - 1);
    const mask = 1 << (stackSlot & 31);
    if (stackSlot < 32) this.#noteRead(this.#current, frame, slot, mask, 0);
    else this.#noteRead(this.#current, frame, slot, 0, mask);
  }

  /** The current instruction writes all of a stack slot. */
  write(frame: number, stackSlot: number): void {
    const at = 2 * frame + (stackSlot >> 5);
    this.#written[at] = this.#written[at]! | (1 << (stackSlot & 31));
  }

  #noteRead(chain: CallChain, frame: number, slot: number, low: number, high: number): void {
    const records = chain.records(frame);
    const at = (slot - chain.start) * WORDS;
    const newLow = low & ~records[at + MAY_READ]!;
    const newHigh = high & ~records[at + MAY_READ + 1]!;
    if ((newLow | newHigh) === 0) return;
    if (((newLow & ~records[at + LIVE]!) | (newHigh & ~records[at + LIVE + 1]!)) !== 0) chain.updated = true;
    chain.touch(frame, slot);
    records[at + MAY_READ] = records[at + MAY_READ]! | low;
    records[at + MAY_READ + 1] = records[at + MAY_READ + 1]! | high;
  }

  /** The current instruction is done. */
  commit(): void {
    if (this.#current !== undefined) this.#commitTo(this.#current, this.#slot);
  }

  #commitTo(chain: CallChain, slot: number): void {
    const index = slot - chain.start;
    const again = chain.seen[index] === 1;
    for (let frame = 0; frame <= chain.depth; frame++) {
      const low = this.#written[2 * frame]!;
      const high = this.#written[2 * frame + 1]!;
      if ((low | high) === 0 && (!again || chain.frames[frame] === undefined)) continue;
      const records = chain.records(frame);
      const at = index * WORDS + MUST_WRITE;
      const oldLow = records[at]!;
      const oldHigh = records[at + 1]!;
      const newLow = again ? low & oldLow : low;
      const newHigh = again ? high & oldHigh : high;
      if (newLow === oldLow && newHigh === oldHigh) continue;
      records[at] = newLow;
      records[at + 1] = newHigh;
      chain.touch(frame, slot);
      chain.updated = true;
      if (((oldLow & ~newLow) | (oldHigh & ~newHigh)) !== 0) chain.shrunk = true;
    }
    chain.seen[index] = 1;
  }

  /** Propagates the marks of the current path's chain: to be called when a path ends and when a function returns. */
  propagate(): void {
    const { state } = this.#analysis;
    this.leaveChain();
    for (let depth = state.frames.length - 1; depth >= 0; depth--) {
      const chain = this.#chainOf(state, depth);
      if (!chain.updated) continue;
      this.#solve(chain);
      chain.updated = false;
      chain.shrunk = false;
    }
  }

  #solve(chain: CallChain): void {
    const analysis = this.#analysis;
    const subprogram = analysis.subprogramOf(chain.start);
    if (chain.shrunk) chain.forgetWritten();
    let rounds = 0;
    for (let changed = true; changed; ) {
      rounds++;
      changed = false;
      for (let frame = 0; frame <= chain.depth; frame++) {
        if (chain.frames[frame] !== undefined && this.#sweep(chain, frame, subprogram)) changed = true;
      }
    }
    if (analysis.log.steps) {
      analysis.log.write(`${chain.describe()} live stack update done in ${rounds} iterations\n`);
    }
    if (chain.parent !== undefined) this.#passToCaller(chain, chain.parent);
  }

  /** One round over a function, successors first; only where a successor or the instruction itself changed. */
  #sweep(chain: CallChain, frame: number, { postorderStart, postorderEnd, exitSlot }: Subprogram): boolean {
    const { postorder } = this.#analysis;
    const records = chain.frames[frame]!;
    const stale = chain.stale[frame]!;
    let changed = false;
    for (let i = postorderStart; i < postorderEnd; i++) {
      const slot = postorder[i]!;
      if (stale[slot - chain.start] === 0) continue;
      stale[slot - chain.start] = 0;
      if (!this.#update(chain, frame, records, slot, exitSlot)) continue;
      changed = true;
      this.#predecessors ??= new Predecessors(this.#analysis);
      this.#predecessors.mark(slot, stale, chain.start);
    }
    return changed;
  }

  #update(chain: CallChain, frame: number, records: Int32Array, slot: number, exitSlot: number): boolean {
    const count = successors(this.#analysis.insns, slot, this.#next, exitSlot);
    if (count === 0) return false;
    const at = (slot - chain.start) * WORDS;
    let liveLow = 0;
    let liveHigh = 0;
    let writtenLow = -1;
    let writtenHigh = -1;
    for (let i = 0; i < count; i++) {
      const next = (this.#next[i]! - chain.start) * WORDS;
      liveLow |= records[next + LIVE]!;
      liveHigh |= records[next + LIVE + 1]!;
      writtenLow &= records[next + WRITTEN_FROM]!;
      writtenHigh &= records[next + WRITTEN_FROM + 1]!;
    }
    writtenLow |= records[at + MUST_WRITE]!;
    writtenHigh |= records[at + MUST_WRITE + 1]!;
    liveLow = (liveLow & ~records[at + MUST_WRITE]!) | records[at + MAY_READ]!;
    liveHigh = (liveHigh & ~records[at + MUST_WRITE + 1]!) | records[at + MAY_READ + 1]!;
    const changed =
      liveLow !== records[at + LIVE] ||
      liveHigh !== records[at + LIVE + 1] ||
      writtenLow !== records[at + WRITTEN_FROM] ||
      writtenHigh !== records[at + WRITTEN_FROM + 1];
    if (!changed) return false;
    if (this.#analysis.log.steps) {
      this.#logChange(chain, frame, slot, records, at, [liveLow, liveHigh, writtenLow, writtenHigh]);
    }
    records[at + LIVE] = liveLow;
    records[at + LIVE + 1] = liveHigh;
    records[at + WRITTEN_FROM] = writtenLow;
    records[at + WRITTEN_FROM + 1] = writtenHigh;
    return true;
  }

  #logChange(
    chain: CallChain,
    frame: number,
    slot: number,
    records: Int32Array,
    at: number,
    updated: readonly [number, number, number, number],
  ): void {
    const { log, points } = this.#analysis;
    const marked =
      (records[at + MAY_READ]! |
        records[at + MAY_READ + 1]! |
        records[at + MUST_WRITE]! |
        records[at + MUST_WRITE + 1]!) !==
      0;
    if (!marked && slot !== chain.start && (points[slot]! & PRUNE_POINT) === 0) return;
    for (const [name, field, low, high] of [
      ["live", LIVE, updated[0], updated[1]],
      ["written", WRITTEN_FROM, updated[2], updated[3]],
    ] as const) {
      const added = slotNames(low & ~records[at + field]!, high & ~records[at + field + 1]!);
      const removed = slotNames(records[at + field]! & ~low, records[at + field + 1]! & ~high);
      if (added === "" && removed === "") continue;
      const plus = added === "" ? "" : `+${name} ${added} `;
      const minus = removed === "" ? "" : `-${name} ${removed}`;
      log.write(`${chain.describe()} frame ${frame} insn ${slot} ${plus}${minus}\n`);
    }
  }

  /** What a function may read and always writes of its callers' stacks, its call does. */
  #passToCaller(chain: CallChain, caller: CallChain): void {
    this.#written.fill(0, 0, 2 * chain.depth);
    for (let frame = 0; frame < chain.depth; frame++) {
      const records = chain.frames[frame];
      if (records === undefined) continue;
      this.#written[2 * frame] = records[WRITTEN_FROM]!;
      this.#written[2 * frame + 1] = records[WRITTEN_FROM + 1]!;
      this.#noteRead(caller, frame, chain.callsite, records[LIVE]!, records[LIVE + 1]!);
    }
    this.#commitTo(caller, chain.callsite);
  }

  /** Prepares {@link isAlive} for a checkpoint. */
  query(state: State): void {
    this.#queriedState = state;
    this.#queried.length = 0;
    for (let depth = 0; depth < state.frames.length; depth++) this.#queried.push(this.#chainOf(state, depth));
  }

  /** May the slot be read on some path from the checkpoint that was last asked about? */
  isAlive(frame: number, stackSlot: number): boolean {
    const state = this.#queriedState!;
    const last = state.frames.length - 1;
    if (this.#queried[last]!.isLive(frame, state.slot, stackSlot)) return true;
    for (let i = frame; i < last; i++) {
      const callsite = state.frames[i + 1]!.callsite;
      const callsBack = (this.#analysis.points[callsite]! & CALLS_CALLBACK) !== 0;
      if (this.#queried[i]!.isLive(frame, callsBack ? callsite : callsite + 1, stackSlot)) return true;
    }
    return false;
  }
}

function slotNames(low: number, high: number): string {
  const names: string[] = [];
  for (let slot = 0; slot < 64; slot++) {
    if ((((slot < 32 ? low : high) >>> (slot & 31)) & 1) === 1) names.push(`-${8 * (slot + 1)}`);
  }
  return names.join(",");
}
