import { type Analysis, CALLS_CALLBACK, PRUNE_POINT } from "./analysis.js";
import type { State } from "./state.js";
import { successors } from "./successors.js";

/** Words of an instruction's record: four sets of 64 stack slots. */
const WORDS = 8;
/** Slots that the instruction may read. */
const MAY_READ = 0;
/** Slots that it writes, on every path seen. */
const MUST_WRITE = 2;
/** Slots that it or what follows it in the function always writes. */
const WRITTEN_FROM = 4;
/** Slots that may be read from here on before they are written. */
const LIVE = 6;

/** One function as called through one chain of calls: what it does to the stacks of all frames of the chain. */
class Chain {
  readonly parent: Chain | undefined;
  readonly callsite: number;
  readonly depth: number;
  readonly start: number;
  readonly end: number;
  readonly children = new Map<number, Chain>();
  /** Records of the function's instructions, by frame; made when a frame's stack is first used. */
  readonly frames: (Int32Array | undefined)[];
  /** Instructions whose {@link MUST_WRITE} holds something. */
  readonly seen: Uint8Array;
  /** Marks changed since the sets were last propagated. */
  updated = false;
  /** A {@link MUST_WRITE} set became smaller. */
  shrunk = false;

  constructor(parent: Chain | undefined, callsite: number, start: number, end: number) {
    this.parent = parent;
    this.callsite = callsite;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.start = start;
    this.end = end;
    this.frames = new Array<Int32Array | undefined>(this.depth + 1).fill(undefined);
    this.seen = new Uint8Array(end - start);
  }

  records(frame: number): Int32Array {
    this.frames[frame] ??= new Int32Array((this.end - this.start) * WORDS);
    return this.frames[frame];
  }

  isLive(frame: number, slot: number, stackSlot: number): boolean {
    const records = this.frames[frame];
    if (records === undefined) return false;
    const word = records[(slot - this.start) * WORDS + LIVE + (stackSlot >> 5)]!;
    return ((word >>> (stackSlot & 31)) & 1) === 1;
  }

  describe(): string {
    const sites: number[] = [this.start];
    for (let chain: Chain = this; chain.parent !== undefined; chain = chain.parent) sites.unshift(chain.callsite);
    return `(${sites.join(",")})`;
  }
}

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
  readonly #roots = new Map<number, Chain>();
  #current: Chain | undefined;
  /** Slots of each frame that the current instruction has written. */
  readonly #written = new Int32Array(16);
  readonly #next = new Int32Array(2);
  /** The instruction that {@link begin} was called for. */
  #slot = 0;
  readonly #queried: Chain[] = [];
  #queriedState: State | undefined;

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
  }

  #chainOf(state: State, depth: number): Chain {
    let chain = this.#child(undefined, -1, state.frames[0]!.subprogram);
    for (let i = 1; i <= depth; i++) {
      const frame = state.frames[i]!;
      chain = this.#child(chain, frame.callsite, frame.subprogram);
    }
    return chain;
  }

  #child(parent: Chain | undefined, callsite: number, subprogram: number): Chain {
    const { start, end } = this.#analysis.subprograms[subprogram]!;
    const siblings = parent === undefined ? this.#roots : parent.children;
    // A callback's call site can lead to several functions.
    const key = parent === undefined ? start : callsite * 0x100000 + start;
    let chain = siblings.get(key);
    if (chain === undefined) {
      chain = new Chain(parent, callsite, start, end);
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

  #noteRead(chain: Chain, frame: number, slot: number, low: number, high: number): void {
    const records = chain.records(frame);
    const at = (slot - chain.start) * WORDS;
    const newLow = low & ~records[at + MAY_READ]!;
    const newHigh = high & ~records[at + MAY_READ + 1]!;
    if ((newLow | newHigh) === 0) return;
    if (((newLow & ~records[at + LIVE]!) | (newHigh & ~records[at + LIVE + 1]!)) !== 0) chain.updated = true;
    records[at + MAY_READ] = records[at + MAY_READ]! | low;
    records[at + MAY_READ + 1] = records[at + MAY_READ + 1]! | high;
  }

  /** The current instruction is done. */
  commit(): void {
    if (this.#current !== undefined) this.#commitTo(this.#current, this.#slot);
  }

  #commitTo(chain: Chain, slot: number): void {
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

  #solve(chain: Chain): void {
    const analysis = this.#analysis;
    const { postorder } = analysis;
    const subprogram = analysis.subprogramOf(chain.start);
    if (chain.shrunk) this.#forgetWritten(chain);
    let rounds = 0;
    for (let changed = true; changed; ) {
      rounds++;
      changed = false;
      for (let frame = 0; frame <= chain.depth; frame++) {
        const records = chain.frames[frame];
        if (records === undefined) continue;
        for (let i = subprogram.postorderStart; i < subprogram.postorderEnd; i++) {
          if (this.#update(chain, frame, records, postorder[i]!, subprogram.exitSlot)) changed = true;
        }
      }
    }
    if (analysis.log.steps) {
      analysis.log.write(`${chain.describe()} live stack update done in ${rounds} iterations\n`);
    }
    if (chain.parent !== undefined) this.#passToCaller(chain, chain.parent);
  }

  #forgetWritten(chain: Chain): void {
    for (const records of chain.frames) {
      if (records === undefined) continue;
      for (let at = WRITTEN_FROM; at < records.length; at += WORDS) {
        records[at] = 0;
        records[at + 1] = 0;
      }
    }
  }

  #update(chain: Chain, frame: number, records: Int32Array, slot: number, exitSlot: number): boolean {
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
    chain: Chain,
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
  #passToCaller(chain: Chain, caller: Chain): void {
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
