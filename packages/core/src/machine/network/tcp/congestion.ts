/** Segments that may be on their way at first (RFC 6928). */
const INITIAL_WINDOW = 10;
const INFINITE = 0x7fff_ffff;
const DUPLICATES = 3;

/** The congestion window, in segments (RFC 5681: slow start, congestion avoidance, fast recovery). */
export class Congestion {
  window = INITIAL_WINDOW;
  /** Below it the window doubles each round trip. */
  threshold = INFINITE;
  /** What the window never exceeds. */
  clamp = INFINITE;
  /** Up to where everything has to be acknowledged before recovery ends; undefined outside of it. */
  recovery: number | undefined;
  #duplicates = 0;
  #credit = 0;

  /** `segments` were acknowledged. */
  acknowledged(segments: number): void {
    this.#duplicates = 0;
    if (this.recovery !== undefined) return;
    if (this.window < this.threshold) this.window += segments;
    else {
      this.#credit += segments;
      if (this.#credit >= this.window) {
        this.#credit -= this.window;
        this.window++;
      }
    }
    this.window = Math.min(this.window, this.clamp);
  }

  /** An acknowledgement said nothing new: true where it is time to send the first segment again. */
  duplicate(flight: number, highest: number): boolean {
    this.#duplicates++;
    if (this.recovery !== undefined) {
      this.window++;
      return false;
    }
    if (this.#duplicates !== DUPLICATES) return false;
    this.threshold = Math.max(flight >> 1, 2);
    this.window = this.threshold + DUPLICATES;
    this.recovery = highest;
    return true;
  }

  /** What was on its way when the loss was seen is there now. */
  recovered(): void {
    this.recovery = undefined;
    this.window = Math.min(this.window, this.threshold);
  }

  /** Nothing came back in time. */
  timedOut(flight: number): void {
    this.threshold = Math.max(flight >> 1, 2);
    this.window = 1;
    this.recovery = undefined;
    this.#duplicates = 0;
  }
}
