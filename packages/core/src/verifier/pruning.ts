import { type Analysis, CALLS_CALLBACK, FORCED_CHECKPOINT, ITERATOR_NEXT, JUMP_POINT } from "./analysis.js";
import { clearRegister, OBJECT, OFF, PRECISE, registerAt, slotAt, TYPE, VALUE } from "./domain/register.js";
import type { LoopVisits } from "./loop-visits.js";
import { NOT_INIT, SCALAR } from "./pointer-types.js";
import type { PrecisionTracker } from "./precision.js";
import { printFrame } from "./print-state.js";
import type { StackLiveness } from "./stack-liveness.js";
import { BYTE_ITER, FP, type Frame, type State } from "./state.js";
import { StateComparison } from "./state-comparison.js";
import { OPCODE_MAY_GOTO } from "./successors.js";

/** Entries of history that force a checkpoint. */
const LONG_HISTORY = 40;

export const ITERATOR_ACTIVE = 1;
export const ITERATOR_DRAINED = 2;

/**
 * Checkpoints by instruction. A path that comes to an instruction in a state that is within one already proven safe
 * need not be walked further. What is kept and for how long follows the kernel's heuristics, since they decide how many
 * instructions an analysis takes.
 */
export class Checkpoints {
  readonly #analysis: Analysis;
  readonly #liveness: StackLiveness;
  readonly #precision: PrecisionTracker;
  readonly #loops: LoopVisits;
  readonly #comparison: StateComparison;
  /** Newest first, by instruction and call site. */
  readonly #lists = new Map<number, State[]>();
  #count = 0;
  #evicted = 0;
  #lastJumps = 0;
  #lastProcessed = 0;

  constructor(analysis: Analysis, liveness: StackLiveness, precision: PrecisionTracker, loops: LoopVisits) {
    this.#analysis = analysis;
    this.#liveness = liveness;
    this.#precision = precision;
    this.#loops = loops;
    this.#comparison = new StateComparison(analysis);
  }

  /** Forgets all checkpoints: the walk of one function is over. The counts go on, as the kernel's do. */
  clear(): void {
    for (const list of this.#lists.values()) {
      for (const state of list) state.discard(this.#analysis.pool);
    }
    this.#lists.clear();
  }

  /** The kernel hashes states; instructions that fall into one bucket count and age together. */
  #list(slot: number): State[] {
    const callsite = this.#analysis.frame.callsite;
    const bucket = ((slot ^ callsite) >>> 0) % this.#analysis.insns.length;
    let list = this.#lists.get(bucket);
    if (list === undefined) {
      list = [];
      this.#lists.set(bucket, list);
    }
    return list;
  }

  notePeak(): void {
    const analysis = this.#analysis;
    analysis.peakStates = Math.max(analysis.peakStates, this.#count + this.#evicted + this.#loops.backedges);
  }

  /** A checkpoint that was evicted has no unfinished paths any more. */
  release(state: State): void {
    if (!state.evicted || state.branches > 0) return;
    this.#evicted--;
    state.discard(this.#analysis.pool);
  }

  /** True where the current state is covered by a checkpoint, so that the path ends here. */
  visit(slot: number): boolean {
    const analysis = this.#analysis;
    const current = analysis.state;
    const forced =
      analysis.testStateFrequency ||
      (analysis.points[slot]! & FORCED_CHECKPOINT) !== 0 ||
      current.history.length > LONG_HISTORY;
    let add =
      forced || (analysis.jumpsProcessed - this.#lastJumps >= 2 && analysis.processed - this.#lastProcessed >= 8);
    const list = this.#list(slot);
    this.#cleanFinished(list, slot, current);
    let compared = 0;
    for (let i = 0; i < list.length; ) {
      const old = list[i]!;
      compared++;
      if (old.slot !== slot) {
        i++;
        continue;
      }
      const outcome = old.branches > 0 ? this.#meetOpen(old, current, slot) : this.#meetDone(old, current);
      if (outcome === "hit" || outcome === "loop") {
        this.#take(old, current, outcome === "loop");
        return true;
      }
      if (old.branches > 0 && !forced && this.#tooSoon()) add = false;
      if (add) old.misses++;
      if (this.#isUseless(old, slot)) this.#evict(list, i);
      else i++;
    }
    analysis.maxStatesPerInstruction = Math.max(analysis.maxStatesPerInstruction, compared);
    if (!analysis.hasBpf && compared > 64) return false;
    if (add) this.#add(list, current, slot);
    return false;
  }

  /** The nearest checkpoint of this very path at an instruction, before the current one: the last round of a loop. */
  previousEntry(current: State, slot: number): State | undefined {
    return this.#list(slot).find(
      (state) =>
        state.slot === slot && state.branches > 0 && sameCallsites(state, current) && state.depth < current.depth,
    );
  }

  #tooSoon(): boolean {
    const analysis = this.#analysis;
    return analysis.jumpsProcessed - this.#lastJumps < 20 && analysis.processed - this.#lastProcessed < 100;
  }

  /** Drops what no path from a finished checkpoint reads, so that it need not be equal. */
  #cleanFinished(list: readonly State[], slot: number, current: State): void {
    for (const state of list) {
      if (state.branches > 0 || state.cleaned || state.slot !== slot) continue;
      if (!sameCallsites(state, current) || this.#loops.isIncomplete(state)) continue;
      this.#clean(state);
    }
  }

  #clean(state: State): void {
    this.#liveness.query(state);
    state.cleaned = true;
    for (let index = 0; index < state.frames.length; index++) this.#cleanFrame(state, index);
  }

  /** What is clear already is not written again: the buffer may be other checkpoints' as well. */
  #cleanFrame(state: State, index: number): void {
    const { liveRegisters, pool } = this.#analysis;
    const frame = state.frames[index]!;
    const live = liveRegisters[state.slotOfFrame(index)]!;
    for (let register = 0; register < FP; register++) {
      if (((live >>> register) & 1) === 1 || frame.records[registerAt(register) + TYPE] === NOT_INIT) continue;
      pool.own(frame);
      clearRegister(frame.records, registerAt(register));
    }
    for (let slot = 0; slot < frame.slots; slot++) {
      if (frame.bytes(slot) === 0 || this.#liveness.isAlive(index, slot)) continue;
      pool.own(frame);
      clearRegister(frame.records, slotAt(slot));
      frame.setBytes(slot, 0);
    }
  }

  /** A checkpoint that the current path, or another one, is still being walked from. */
  #meetOpen(old: State, current: State, slot: number): "hit" | "loop" | "miss" {
    const analysis = this.#analysis;
    const frame = old.frame;
    if (frame.inAsyncCallback && frame.asyncEntries !== current.frame.asyncEntries) return "miss";
    const points = analysis.points[slot]!;
    if ((points & ITERATOR_NEXT) !== 0) return this.#meetIterator(old, current);
    if (analysis.insns.opcode[slot] === OPCODE_MAY_GOTO && old.mayGotoDepth !== current.mayGotoDepth) {
      if (this.#comparison.covers(old, current, "ranges")) return "loop";
    }
    if ((points & CALLS_CALLBACK) !== 0) {
      return this.#comparison.covers(old, current, "ranges") ? "hit" : "miss";
    }
    const stuck =
      this.#comparison.sameRegisters(old, current) &&
      this.#comparison.covers(old, current, "exact") &&
      !iteratorDepthsDiffer(old, current) &&
      old.mayGotoDepth === current.mayGotoDepth &&
      old.callbackUnrolls === current.callbackUnrolls;
    if (stuck) this.#rejectLoop(old, current, slot);
    return "miss";
  }

  #rejectLoop(old: State, current: State, slot: number): never {
    const analysis = this.#analysis;
    const last = current.frames.length - 1;
    return analysis.invalid(
      "infinite_loop",
      `infinite loop detected at insn ${slot}\ncur state:${printFrame(analysis, current, last, true)}\n` +
        `old state:${printFrame(analysis, old, last, true)}`,
    );
  }

  #meetIterator(old: State, current: State): "loop" | "miss" {
    if (!this.#comparison.covers(old, current, "ranges")) return "miss";
    const frame = current.frame;
    const at = registerAt(1);
    const offset = frame.records[at + OFF]! + frame.records[at + VALUE]!;
    const slot = (-offset - 1) >> 3;
    return frame.records[slotAt(slot) + OBJECT] === ITERATOR_ACTIVE ? "loop" : "miss";
  }

  #meetDone(old: State, current: State): "hit" | "loop" | "miss" {
    const incomplete = this.#loops.isIncomplete(old);
    if (!this.#comparison.covers(old, current, incomplete ? "ranges" : "precise")) return "miss";
    return incomplete ? "loop" : "hit";
  }

  #take(old: State, current: State, inLoop: boolean): void {
    const analysis = this.#analysis;
    old.hits++;
    current.longest = inLoop || old.branches > 0 ? Number.POSITIVE_INFINITY : old.longest;
    if ((analysis.points[analysis.slot]! & JUMP_POINT) !== 0) analysis.pushHistory(current, 0, 0);
    this.#precision.propagate(old, current);
    if (inLoop) {
      const backedge = current.snapshot(analysis.pool);
      backedge.equal = old;
      backedge.slot = analysis.slot;
      this.#loops.addBackedge(old, backedge);
      this.notePeak();
    }
  }

  #isUseless(state: State, slot: number): boolean {
    const patience = (this.#analysis.points[slot]! & FORCED_CHECKPOINT) !== 0 && state.branches > 0 ? 64 : 3;
    return state.misses > state.hits * patience + patience;
  }

  #evict(list: State[], index: number): void {
    const state = list[index]!;
    list.splice(index, 1);
    state.evicted = true;
    this.#count--;
    this.#evicted++;
    this.release(state);
  }

  #add(list: State[], current: State, slot: number): void {
    const analysis = this.#analysis;
    analysis.totalStates++;
    this.#count++;
    this.notePeak();
    this.#lastJumps = analysis.jumpsProcessed;
    this.#lastProcessed = analysis.processed;
    if (analysis.hasBpf) {
      for (const frame of current.frames) forgetPrecision(frame);
    }
    const checkpoint = current.checkpoint(analysis.pool);
    checkpoint.slot = slot;
    this.#loops.enter(checkpoint);
    current.parent = checkpoint;
    current.firstSlot = slot;
    current.depth = checkpoint.depth + 1;
    current.walked = 0;
    list.unshift(checkpoint);
  }
}

function sameCallsites(a: State, b: State): boolean {
  return (
    a.frames.length === b.frames.length &&
    a.frames.every((frame, index) => frame.callsite === b.frames[index]!.callsite)
  );
}

/** What mattered before a checkpoint is found again from behind it, where it matters. */
function forgetPrecision(frame: Frame): void {
  const r = frame.records;
  for (let register = 0; register < FP; register++) {
    if (r[registerAt(register) + TYPE] === SCALAR) r[registerAt(register) + PRECISE] = 0;
  }
  for (let slot = 0; slot < frame.slots; slot++) {
    if (frame.holdsScalarSpill(slot)) r[slotAt(slot) + PRECISE] = 0;
  }
}

function iteratorDepthsDiffer(old: State, current: State): boolean {
  for (let index = 0; index < old.frames.length; index++) {
    const frame = old.frames[index]!;
    for (let slot = 0; slot < frame.slots; slot++) {
      if ((frame.bytes(slot) & 0xf) !== BYTE_ITER) continue;
      const at = slotAt(slot);
      if (frame.records[at + OBJECT] !== ITERATOR_ACTIVE) continue;
      if (current.frames[index]!.records[at + OFF] !== frame.records[at + OFF]) return true;
    }
  }
  return false;
}
