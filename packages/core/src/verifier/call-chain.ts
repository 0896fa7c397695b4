/** Words of an instruction's record: four sets of 64 stack slots. */
export const WORDS = 8;
/** Slots that the instruction may read. */
export const MAY_READ = 0;
/** Slots that it writes, on every path seen. */
export const MUST_WRITE = 2;
/** Slots that it or what follows it in the function always writes. */
export const WRITTEN_FROM = 4;
/** Slots that may be read from here on before they are written. */
export const LIVE = 6;

/** One function as called through one chain of calls: what it does to the stacks of all frames of the chain. */
export class CallChain {
  readonly parent: CallChain | undefined;
  readonly callsite: number;
  readonly depth: number;
  readonly start: number;
  readonly end: number;
  readonly children = new Map<number, CallChain>();
  /** Records of the function's instructions, by frame; made when a frame's stack is first used. */
  readonly frames: (Int32Array | undefined)[];
  /** By frame: instructions whose {@link LIVE} and {@link WRITTEN_FROM} have to be computed again. */
  readonly stale: (Uint8Array | undefined)[];
  /** Instructions whose {@link MUST_WRITE} holds something. */
  readonly seen: Uint8Array;
  /** Marks changed since the sets were last propagated. */
  updated = false;
  /** A {@link MUST_WRITE} set became smaller. */
  shrunk = false;

  constructor(parent: CallChain | undefined, callsite: number, start: number, end: number) {
    this.parent = parent;
    this.callsite = callsite;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.start = start;
    this.end = end;
    this.frames = new Array<Int32Array | undefined>(this.depth + 1).fill(undefined);
    this.stale = new Array<Uint8Array | undefined>(this.depth + 1).fill(undefined);
    this.seen = new Uint8Array(end - start);
  }

  records(frame: number): Int32Array {
    const length = this.end - this.start;
    this.stale[frame] ??= new Uint8Array(length);
    this.frames[frame] ??= new Int32Array(length * WORDS);
    return this.frames[frame];
  }

  /** The record of an instruction changed; its frame's records exist. */
  touch(frame: number, slot: number): void {
    this.stale[frame]![slot - this.start] = 1;
  }

  /** Forgets what is always written: a smaller set has to spread. */
  forgetWritten(): void {
    this.frames.forEach((records, frame) => {
      if (records === undefined) return;
      for (let at = WRITTEN_FROM; at < records.length; at += WORDS) {
        records[at] = 0;
        records[at + 1] = 0;
      }
      this.stale[frame]!.fill(1);
    });
  }

  isLive(frame: number, slot: number, stackSlot: number): boolean {
    const records = this.frames[frame];
    if (records === undefined) return false;
    const word = records[(slot - this.start) * WORDS + LIVE + (stackSlot >> 5)]!;
    return ((word >>> (stackSlot & 31)) & 1) === 1;
  }

  describe(): string {
    const sites: number[] = [this.start];
    for (let chain: CallChain = this; chain.parent !== undefined; chain = chain.parent) sites.unshift(chain.callsite);
    return `(${sites.join(",")})`;
  }
}
