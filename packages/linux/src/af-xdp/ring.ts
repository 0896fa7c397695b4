/** Offsets of one ring's parts in its mapping (`struct xdp_ring_offset`), in bytes. */
export interface RingOffsets {
  readonly producer: number;
  readonly consumer: number;
  readonly descriptors: number;
  readonly flags: number;
}

const NEED_WAKEUP = 1;

/**
 * One of the four rings that an AF_XDP socket shares with the kernel: entries of fixed size between a producer's and a
 * consumer's index, both u32 that only grow. Each side writes its own index.
 */
export class XdpRing {
  readonly size: number;
  readonly #mask: number;
  readonly #producer: Int32Array;
  readonly #consumer: Int32Array;
  readonly #flags: Int32Array;
  /** Entries as u32 words: 4 a descriptor (address, length, options), 2 an address. */
  readonly words: Uint32Array;
  readonly #wordsPerEntry: number;

  constructor(memory: ArrayBuffer, offsets: RingOffsets, size: number, wordsPerEntry: 2 | 4) {
    this.size = size;
    this.#mask = size - 1;
    this.#wordsPerEntry = wordsPerEntry;
    this.#producer = new Int32Array(memory, offsets.producer, 1);
    this.#consumer = new Int32Array(memory, offsets.consumer, 1);
    this.#flags = new Int32Array(memory, offsets.flags, 1);
    this.words = new Uint32Array(memory, offsets.descriptors, size * wordsPerEntry);
  }

  /** Entries that wait for the consumer. */
  get filled(): number {
    return (Atomics.load(this.#producer, 0) - Atomics.load(this.#consumer, 0)) >>> 0;
  }

  get free(): number {
    return this.size - this.filled;
  }

  /** True when the kernel sleeps and wants a system call to go on. */
  get needsWakeup(): boolean {
    return (Atomics.load(this.#flags, 0) & NEED_WAKEUP) !== 0;
  }

  /** Index in {@link words} of the n-th entry that waits. */
  consumerEntry(n: number): number {
    return ((this.#consumer[0]! + n) & this.#mask) * this.#wordsPerEntry;
  }

  /** Index in {@link words} of the n-th free entry. */
  producerEntry(n: number): number {
    return ((this.#producer[0]! + n) & this.#mask) * this.#wordsPerEntry;
  }

  /** What was read is the producer's again. */
  consume(count: number): void {
    Atomics.store(this.#consumer, 0, (this.#consumer[0]! + count) | 0);
  }

  /** What was written is the consumer's from now on. */
  produce(count: number): void {
    Atomics.store(this.#producer, 0, (this.#producer[0]! + count) | 0);
  }
}
