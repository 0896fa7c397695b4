import type { Segment } from "./segment.js";
import { isBefore } from "./sequence.js";

/** What the other side says that it still takes. */
export class SendWindow {
  /** Bytes from its acknowledgement on. */
  size = 0;
  #scale = 0;
  #sequence = 0;
  #acknowledgement = 0;

  /** Its SYN: the window of that one is not scaled, later ones are by `scale`. */
  start({ sequence, acknowledgement, window }: Segment, scale: number): void {
    this.size = window;
    this.#scale = scale;
    this.#sequence = sequence;
    this.#acknowledgement = acknowledgement;
  }

  /** The window of a segment, in bytes. */
  of({ window }: Segment): number {
    return window << this.#scale;
  }

  /** Takes a segment's window, unless an older one comes late. */
  update(segment: Segment): void {
    const { sequence, acknowledgement } = segment;
    const isNewer =
      isBefore(this.#sequence, sequence) ||
      (this.#sequence === sequence && !isBefore(acknowledgement, this.#acknowledgement));
    if (!isNewer) return;
    this.size = this.of(segment);
    this.#sequence = sequence;
    this.#acknowledgement = acknowledgement;
  }
}
