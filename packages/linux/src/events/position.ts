/**
 * A position in a ring, which the kernel reads or writes on another CPU: an unsigned long that only grows. All accesses
 * are atomic, so that what was written before a position is seen by who has read it.
 */
export class RingPosition {
  readonly #words: Int32Array;
  readonly #long: BigInt64Array;

  constructor(buffer: ArrayBuffer, offset: number) {
    this.#words = new Int32Array(buffer, offset, 2);
    this.#long = new BigInt64Array(buffer, offset, 1);
  }

  /** The low 32 bits, signed: rings are smaller, so that differences modulo 2^32 are right. */
  low(): number {
    return Atomics.load(this.#words, 0);
  }

  /** All of it. @throws RangeError never in practice: 2^53 bytes are months of full memory bandwidth. */
  load(): number {
    return Number(Atomics.load(this.#long, 0));
  }

  store(position: number): void {
    Atomics.store(this.#long, 0, BigInt(position));
  }
}
