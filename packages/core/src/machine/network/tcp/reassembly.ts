import { distance, isBefore } from "./sequence.js";

/** Segments that have come before their turn, by sequence number. */
export class Reassembly {
  readonly #segments: { readonly sequence: number; readonly data: Uint8Array }[] = [];

  /** Bytes that wait; some of them may be there twice. */
  get length(): number {
    return this.#segments.reduce((sum, { data }) => sum + data.length, 0);
  }

  add(sequence: number, data: Uint8Array): void {
    const at = this.#segments.findIndex((other) => isBefore(sequence, other.sequence));
    this.#segments.splice(at < 0 ? this.#segments.length : at, 0, { sequence, data });
  }

  /** What follows `next` at once, without what came before; undefined while it is missing. */
  take(next: number): Uint8Array | undefined {
    for (let first = this.#segments[0]; first !== undefined; first = this.#segments[0]) {
      if (isBefore(next, first.sequence)) return undefined;
      this.#segments.shift();
      const known = distance(first.sequence, next);
      if (known < first.data.length) return first.data.subarray(known);
    }
    return undefined;
  }

  clear(): void {
    this.#segments.length = 0;
  }
}
