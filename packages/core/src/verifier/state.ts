import { BYTES, clearRegister, REGISTER_WORDS, slotAt, TYPE } from "./domain/register.js";
import { History } from "./history.js";
import { SCALAR } from "./pointer-types.js";

/** Frames of a call chain. */
export const MAX_FRAMES = 8;
/** Bytes of stack that a frame has. */
export const MAX_STACK = 512;
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
  /** How many frames of checkpoints have {@link records} in common; undefined where they are this frame's alone. */
  sharing: { holders: number } | undefined;
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

  /** The same frame with other records. */
  withRecords(records: Int32Array): Frame {
    const copy = new Frame(this.number, this.subprogram, this.callsite, records, this.slots);
    copy.asyncEntries = this.asyncEntries;
    copy.callbackDepth = this.callbackDepth;
    copy.inCallback = this.inCallback;
    copy.inAsyncCallback = this.inAsyncCallback;
    copy.inExceptionCallback = this.inExceptionCallback;
    copy.callbackMin = this.callbackMin;
    copy.callbackMax = this.callbackMax;
    return copy;
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

function haveEqualRecords(a: Frame, b: Frame): boolean {
  if (a.slots !== b.slots) return false;
  const used = slotAt(a.slots);
  for (let word = 0; word < used; word++) {
    if (a.records[word] !== b.records[word]) return false;
  }
  return true;
}

const SLAB_BUFFERS = 32;

/** Buffers of frames that were given back, by their number of slots, so that states cost no garbage. */
export class FramePool {
  readonly #free: Int32Array[][] = [];

  /** A buffer for at least `slots` slots. Its content is arbitrary. */
  take(slots: number): Int32Array {
    const sizeClass = (slots + 7) >> 3;
    this.#free[sizeClass] ??= [];
    const free = this.#free[sizeClass];
    if (free.length === 0) this.#allocate(free, (11 + sizeClass * 8) * REGISTER_WORDS);
    return free.pop()!;
  }

  /** Several buffers at once: one allocation costs more than filling a buffer. */
  #allocate(free: Int32Array[], words: number): void {
    const bytes = words * Int32Array.BYTES_PER_ELEMENT;
    const slab = new ArrayBuffer(SLAB_BUFFERS * bytes);
    for (let i = 0; i < SLAB_BUFFERS; i++) free.push(new Int32Array(slab, i * bytes, words));
  }

  /** Gives a frame's buffer back, unless others have it in common; the frame must not be used afterwards. */
  release(frame: Frame): void {
    if (frame.sharing === undefined || --frame.sharing.holders === 0) this.#give(frame.records);
  }

  #give(records: Int32Array): void {
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
    return frame.withRecords(records);
  }

  /**
   * A copy for a checkpoint, which has its buffer in common with an earlier checkpoint's frame where nothing has changed
   * since. Before such a frame is written to, {@link own} must be called.
   */
  snapshot(frame: Frame, earlier: Frame | undefined): Frame {
    if (earlier === undefined || !haveEqualRecords(frame, earlier)) return this.copy(frame);
    const copy = frame.withRecords(earlier.records);
    earlier.sharing ??= { holders: 1 };
    earlier.sharing.holders++;
    copy.sharing = earlier.sharing;
    return copy;
  }

  /** Gives a checkpoint's frame a buffer of its own. */
  own(frame: Frame): void {
    const { records, sharing } = frame;
    if (sharing === undefined) return;
    frame.sharing = undefined;
    if (sharing.holders === 1) return;
    sharing.holders--;
    frame.records = this.take(frame.slots);
    frame.records.set(records.subarray(0, slotAt(frame.slots)));
  }

  /** Allocates stack down to `slots` slots; new ones hold nothing. */
  grow(frame: Frame, slots: number): void {
    if (slots <= frame.slots) return;
    const old = frame.records;
    if (slotAt(slots) > old.length) {
      const used = slotAt(frame.slots);
      frame.records = this.take(slots);
      frame.records.set(used === old.length ? old : old.subarray(0, used));
      this.#give(old);
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
  /** Slots that were executed on the way here from {@link parent}. */
  walked = 0;
  /** Slots of the longest way from here to an end, of those that are finished; Infinity where there may be no end. */
  longest = 0;

  // Of checkpoints only.
  hits = 0;
  misses = 0;
  cleaned = false;
  /** Every scalar in it, and in the checkpoints before it, is marked precise. */
  allPrecise = false;
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

  /** Another path in the same state. */
  copy(pool: FramePool): State {
    const frames: Frame[] = [];
    for (let index = 0; index < this.frames.length; index++) frames.push(pool.copy(this.frames[index]!));
    return this.#with(frames, this.history.copy());
  }

  /** A checkpoint of this state, which takes its history over: the path begins a new one. */
  checkpoint(pool: FramePool): State {
    const checkpoint = this.snapshot(pool, this.history);
    this.history = new History();
    return checkpoint;
  }

  /** A copy that is only kept to compare with: callers' frames that did not change are the last checkpoint's. */
  snapshot(pool: FramePool, history = this.history.copy()): State {
    const innermost = this.frames.length - 1;
    const frames: Frame[] = [];
    for (let index = 0; index < innermost; index++) {
      frames.push(pool.snapshot(this.frames[index]!, this.parent?.frames[index]));
    }
    frames.push(pool.copy(this.frame));
    return this.#with(frames, history);
  }

  #with(frames: Frame[], history: History): State {
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
    copy.walked = this.walked;
    return copy;
  }

  /** Gives the frames' buffers back; the state must not be used afterwards. */
  discard(pool: FramePool): void {
    for (const frame of this.frames) pool.release(frame);
    this.frames = [];
  }

  /** The instruction that a frame stands at: the current one, or the call that it waits for. */
  slotOfFrame(index: number): number {
    return index === this.frames.length - 1 ? this.slot : this.frames[index + 1]!.callsite;
  }
}

/** A loop that paths are in, or have been in, by one chain of calls. */
export interface LoopVisit {
  /** What the log calls it. */
  readonly key: string;
  /** The checkpoint through which the loop was entered; undefined once all paths from it are done. */
  entry: State | undefined;
  /** States in which paths came back to a checkpoint of the loop, in that order. */
  backedges: State[];
}
