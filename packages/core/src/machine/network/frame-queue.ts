import type { Frame } from "./frame.js";

/** Frames that wait, first in, first out. */
export class FrameQueue {
  #ring: (Frame | undefined)[] = new Array(64).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(frame: Frame): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = frame;
    this.#length++;
  }

  shift(): Frame | undefined {
    if (this.#length === 0) return undefined;
    const frame = this.#ring[this.#head];
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    return frame;
  }

  #grow(): void {
    const { length } = this.#ring;
    const frames = Array.from({ length }, (_, at) => this.#ring[(this.#head + at) & (length - 1)]);
    this.#ring = frames.concat(new Array(length).fill(undefined));
    this.#head = 0;
  }
}
