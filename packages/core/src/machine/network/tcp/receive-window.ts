import { type Segment, sequenceLength } from "./segment.js";
import { advance, distance, later } from "./sequence.js";

/** Shift of the windows that are announced. */
export const WINDOW_SCALE = 7;
const LARGEST = 0xffff;

/** What a connection still takes, and has said so. */
export class ReceiveWindow {
  /** The sequence number that comes next. */
  next = 0;
  /** The other side understands window scaling. */
  scales = true;
  /** Right edge of what was announced: it never goes back. */
  #edge = 0;
  readonly #room: () => number;

  /** @param room bytes that the reader still has room for. */
  constructor(room: () => number) {
    this.#room = room;
  }

  /** The other side has said with which number it starts, and whether it scales windows. */
  start(sequence: number, scales: boolean): void {
    this.next = sequence;
    this.#edge = sequence;
    this.scales = scales;
  }

  /** Bytes that may come, as was announced. */
  get size(): number {
    return distance(this.next, this.#edge);
  }

  /** Bytes by which it could be larger than was announced. */
  growth(segment: number): number {
    return distance(this.#edge, this.#wanted(segment));
  }

  take(bytes: number): void {
    this.next = advance(this.next, bytes);
  }

  /** The end takes a number, whatever the window. */
  takeEnd(): void {
    this.next = advance(this.next, 1);
    this.#edge = later(this.#edge, this.next);
  }

  /** Announces what there is room for: the header's field. A SYN's is never scaled. */
  announce(isSyn: boolean, segment: number): number {
    this.#edge = this.#wanted(segment);
    return Math.min(isSyn ? this.size : this.size >>> this.#shift, LARGEST);
  }

  /** Does a segment have anything within the window? */
  accepts(segment: Segment): boolean {
    const length = sequenceLength(segment);
    const offset = (segment.sequence - this.next) | 0;
    const { size } = this;
    if (length === 0) return offset === 0 || (offset > 0 && offset < size);
    // Into a shut window, what is next is let in: its acknowledgement counts, its bytes may find room by now.
    if (size === 0) return offset === 0;
    return offset < size && offset + length > 0;
  }

  get #shift(): number {
    return this.scales ? WINDOW_SCALE : 0;
  }

  #wanted(segment: number): number {
    const room = Math.max(0, this.#room());
    // Less than a segment is not worth announcing.
    const worth = room < Math.min(segment, 1 << WINDOW_SCALE) ? 0 : room;
    const announced = Math.min(worth >>> this.#shift, LARGEST) << this.#shift;
    return later(advance(this.next, announced), this.#edge);
  }
}
