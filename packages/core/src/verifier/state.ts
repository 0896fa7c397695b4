import { BYTES, clearRegister, REGISTER_WORDS, slotAt, TYPE } from "./domain/register.js";
import type { LoopVisit } from "./loop-visits.js";
import { SCALAR } from "./pointer-types.js";

/** Frames of a call chain. */
export const MAX_FRAMES = 8;
/** The frame pointer's register. */
export const FP = 10;

/** What a byte of the stack holds. */
export const BYTE_INVALID = 0;
/** Part of a register that was stored there. */
export const BYTE_SPILL = 1;
/** Some data. */
export const BYTE_MISC = 2;
export const BYTE_ZERO = 3;
export const BYTE_DYNPTR = 4;
export const BYTE_ITER = 5;
export const BYTE_IRQ_FLAG = 6;

/** All eight bytes of one kind. */
export function allBytes(kind: number): number {
  return Math.imul(kind, 0x11111111);
}

export const NO_CALLSITE = -1;

/** One function's registers and stack. Slots are numbered from 0 (`fp-8`) downwards. */
export class Frame {
  /** Eleven register records, then one for each allocated slot; may be longer than what is in use. */
  records: Int32Array;
  /** Allocated stack slots. */
  slots: number;
  /** The call instruction that led here; -1 in the outermost frame. */
  callsite: number;
  /** 0 for the outermost frame. */
  readonly number: number;
  subprogram: number;
  /** Counts entries into asynchronous callbacks, to tell states of different ones apart. */
  asyncEntries = 0;
  /** Times that the function was entered as the callback of one call, where that is bounded. */
  callbackDepth = 0;
  inCallback = false;
  inAsyncCallback = false;
  inExceptionCallback = false;
  /** Values that the callback may return. */
  callbackMin = 0;
  callbackMax = 0;

  constructor(number: number, subprogram: number, callsite: number, records: Int32Array, slots: number) {
    this.number = number;
    this.subprogram = subprogram;
    this.callsite = callsite;
    this.records = records;
    this.slots = slots;
  }

  /** The 4-bit kinds of a slot's bytes; byte 0 is the one at the highest address. */
  bytes(slot: number): number {
    return this.records[slotAt(slot) + BYTES]!;
  }

  setBytes(slot: number, bytes: number): void {
    this.records[slotAt(slot) + BYTES] = bytes;
  }

  byte(slot: number, index: number): number {
    return (this.records[slotAt(slot) + BYTES]! >>> (index * 4)) & 0xf;
  }

  setByte(slot: number, index: number, kind: number): void {
    const at = slotAt(slot) + BYTES;
    const shift = index * 4;
    this.records[at] = (this.records[at]! & ~(0xf << shift)) | (kind << shift);
  }

  /** Is a register stored in the slot, in its lower bytes at least? */
  holdsSpill(slot: number): boolean {
    return this.records[slotAt(slot) + BYTES]! >>> 28 === BYTE_SPILL;
  }

  holdsScalarSpill(slot: number): boolean {
    return this.holdsSpill(slot) && this.records[slotAt(slot) + TYPE] === SCALAR;
  }
}

/** Buffers of frames that were given back, by their number of slots, so that states cost no garbage. */
export class FramePool {
  readonly #free: Int32Array[][] = [];

  /** A buffer for at least `slots` slots. Its content is arbitrary. */
  take(slots: number): Int32Array {
    const sizeClass = (slots + 7) >> 3;
    return this.#free[sizeClass]?.pop() ?? new Int32Array((11 + sizeClass * 8) * REGISTER_WORDS);
  }

  give(records: Int32Array): void {
    const sizeClass = (records.length / REGISTER_WORDS - 11) >> 3;
    this.#free[sizeClass] ??= [];
    this.#free[sizeClass]!.push(records);
  }

  fresh(number: number, subprogram: number, callsite: number): Frame {
    const records = this.take(0);
    for (let i = 0; i < 11; i++) {
      clearRegister(records, i * REGISTER_WORDS);
      records[i * REGISTER_WORDS + BYTES] = 0;
    }
    return new Frame(number, subprogram, callsite, records, 0);
  }

  copy(frame: Frame): Frame {
    const records = this.take(frame.slots);
    const used = slotAt(frame.slots);
    records.set(used === frame.records.length ? frame.records : frame.records.subarray(0, used));
    const copy = new Frame(frame.number, frame.subprogram, frame.callsite, records, frame.slots);
    copy.asyncEntries = frame.asyncEntries;
    copy.callbackDepth = frame.callbackDepth;
    copy.inCallback = frame.inCallback;
    copy.inAsyncCallback = frame.inAsyncCallback;
    copy.inExceptionCallback = frame.inExceptionCallback;
    copy.callbackMin = frame.callbackMin;
    copy.callbackMax = frame.callbackMax;
    return copy;
  }

  /** Allocates stack down to `slots` slots; new ones hold nothing. */
  grow(frame: Frame, slots: number): void {
    if (slots <= frame.slots) return;
    const old = frame.records;
    if (slotAt(slots) > old.length) {
      const used = slotAt(frame.slots);
      frame.records = this.take(slots);
      frame.records.set(used === old.length ? old : old.subarray(0, used));
      this.give(old);
    }
    for (let slot = frame.slots; slot < slots; slot++) {
      const at = slotAt(slot);
      clearRegister(frame.records, at);
      frame.records[at + BYTES] = 0;
    }
    frame.slots = slots;
  }
}

/** Something acquired that has to be given back: an object, a lock, the interrupt flags. */
export interface Reference {
  readonly kind: "object" | "lock" | "resilient_lock" | "resilient_lock_irq" | "irq";
  readonly id: number;
  /** Instruction that acquired it. */
  readonly slot: number;
  /** Identity of what is locked: map index or BTF object; 0 for others. */
  readonly object: number;
}

/** Numbers of one entry of a {@link History}. */
const HISTORY_WORDS = 4;

/**
 * The way since the last checkpoint: an entry where control did not just fall through, and where an instruction did
 * something that precision tracking has to know about.
 */
export class History {
  /** A plain array: most are short, for which the memory of a typed one costs more than all that is done with it. */
  readonly #entries: number[];

  constructor(entries: number[] = []) {
    this.#entries = entries;
  }

  get length(): number {
    return this.#entries.length / HISTORY_WORDS;
  }

  push(slot: number, previous: number, flags: number, linked: number): void {
    this.#entries.push(slot, previous, flags, linked);
  }

  slot(index: number): number {
    return this.#entries[index * HISTORY_WORDS]!;
  }

  previous(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 1]!;
  }

  flags(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 2]!;
  }

  /** Index of a set of linked registers, or 0. */
  linked(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 3]!;
  }

  amend(index: number, flags: number, linked: number): void {
    const at = index * HISTORY_WORDS;
    this.#entries[at + 2] = this.#entries[at + 2]! | flags;
    this.#entries[at + 3] = linked;
  }

  copy(): History {
    return new History(this.#entries.slice());
  }
}

/** The state of one path at one instruction. */
export class State {
  frames: Frame[];
  /** Acquired and not yet released. The array is never changed in place. */
  references: readonly Reference[] = [];
  /** The checkpoint that the path passed last. */
  parent: State | undefined;
  /** Paths from here that aren't finished: the state is proven safe once it is 0. */
  branches = 1;
  slot = 0;
  firstSlot = 0;
  lastSlot = -1;
  history: History;
  speculative = false;
  sleepable = false;
  rcuLocks = 0;
  preemptLocks = 0;
  locks = 0;
  irqId = 0;
  lockId = 0;
  lockObject = 0;
  callbackUnrolls = 0;
  mayGotoDepth = 0;
  /** Number of checkpoints before this one. */
  depth = 0;

  // Of checkpoints only.
  hits = 0;
  misses = 0;
  cleaned = false;
  /** Taken off its instruction's list, and kept only because paths from it aren't finished. */
  evicted = false;
  /** The loop that it is in. */
  loop: LoopVisit | undefined;
  /** Of a path that ended at an equal checkpoint inside a loop: that checkpoint. */
  equal: State | undefined;

  constructor(frames: Frame[], history = new History()) {
    this.frames = frames;
    this.history = history;
  }

  get frame(): Frame {
    return this.frames[this.frames.length - 1]!;
  }

  copy(pool: FramePool, history = this.history.copy()): State {
    const frames: Frame[] = [];
    for (let index = 0; index < this.frames.length; index++) frames.push(pool.copy(this.frames[index]!));
    const copy = new State(frames, history);
    copy.references = this.references;
    copy.parent = this.parent;
    copy.branches = this.branches;
    copy.slot = this.slot;
    copy.firstSlot = this.firstSlot;
    copy.lastSlot = this.lastSlot;
    copy.speculative = this.speculative;
    copy.sleepable = this.sleepable;
    copy.rcuLocks = this.rcuLocks;
    copy.preemptLocks = this.preemptLocks;
    copy.locks = this.locks;
    copy.irqId = this.irqId;
    copy.lockId = this.lockId;
    copy.lockObject = this.lockObject;
    copy.callbackUnrolls = this.callbackUnrolls;
    copy.mayGotoDepth = this.mayGotoDepth;
    copy.depth = this.depth;
    return copy;
  }

  /** Gives the frames' buffers back; the state must not be used afterwards. */
  discard(pool: FramePool): void {
    for (const frame of this.frames) pool.give(frame.records);
    this.frames = [];
  }

  /** The instruction that a frame stands at: the current one, or the call that it waits for. */
  slotOfFrame(index: number): number {
    return index === this.frames.length - 1 ? this.slot : this.frames[index + 1]!.callsite;
  }
}
