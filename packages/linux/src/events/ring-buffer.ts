import type { EventSink, EventSubscription } from "@tsbpf/core/host";
import { mapMemory, PAGE_SIZE } from "../sys/index.js";
import { type Pollable, Poller } from "./poller.js";
import { RingPosition } from "./position.js";

const HEADER_SIZE = 8;
const DISCARD = 0x4000_0000;
const LENGTH = 0x3fff_ffff;
/** Events from one look at the clock, and one report of the position, to the next. */
const BATCH = 512;

/**
 * The consumer's side of a BPF ring buffer.
 *
 *     page 0    consumer position     ours to write
 *     page 1    producer position     the kernel's
 *     then      the data, twice in a row, so that no record is ever cut by the end
 *
 * A record is a header of 8 bytes, whose first u32 is the length with BUSY (still being written) and DISCARD (given up)
 * in its upper bits, and the data, padded to 8 bytes.
 *
 * @see https://docs.kernel.org/bpf/ringbuf.html
 */
class RingBufferReader implements Pollable {
  readonly #sink: EventSink;
  readonly #mask: number;
  readonly #consumer: RingPosition;
  readonly #producer: RingPosition;
  readonly #headers: Int32Array;
  readonly #ring: ArrayBuffer;
  /** The data, as sinks with `record` get it. */
  readonly #memory: Uint8Array;
  #position: number;
  #stopped = false;

  constructor(fd: number, size: number, sink: EventSink) {
    this.#sink = sink;
    this.#mask = size - 1;
    const consumer = mapMemory(fd, 0, PAGE_SIZE, true, "ring buffer");
    const producer = mapMemory(fd, PAGE_SIZE, PAGE_SIZE + 2 * size, false, "ring buffer");
    this.#consumer = new RingPosition(consumer, 0);
    this.#producer = new RingPosition(producer, 0);
    this.#headers = new Int32Array(producer, PAGE_SIZE, (2 * size) / 4);
    this.#ring = producer;
    this.#memory = new Uint8Array(producer, PAGE_SIZE, 2 * size);
    this.#position = this.#consumer.load();
  }

  consume(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    for (;;) {
      const count = this.#batch(BATCH);
      if (count < BATCH || this.#stopped) return false;
      if (performance.now() >= end) return true;
    }
  }

  /** Delivers what is there now. */
  drain(): number {
    let total = 0;
    for (let count = BATCH; count === BATCH && !this.#stopped; total += count) count = this.#batch(BATCH);
    return total;
  }

  /** Nothing more is delivered, not even the rest of a batch. */
  stop(): void {
    this.#stopped = true;
  }

  go(): void {
    this.#stopped = false;
  }

  /** Records taken, discarded ones included; less than `limit` when there were no more. */
  #batch(limit: number): number {
    // Positions are followed in 32 bits, which integers of the engine hold; rings are smaller than that.
    const mask = this.#mask;
    const headers = this.#headers;
    const ring = this.#ring;
    const sink = this.#sink;
    const memory = sink.record === undefined ? undefined : this.#memory;
    const first = this.#position | 0;
    let low = first;
    let producer = this.#producer.low();
    let count = 0;
    try {
      while (count < limit && !this.#stopped) {
        if (low === producer) {
          producer = this.#producer.low();
          if (low === producer) break;
        }
        const at = low & mask;
        const header = Atomics.load(headers, at >>> 2);
        // BUSY is the sign bit.
        if (header < 0) break;
        const length = header & LENGTH;
        low = (low + ((length + HEADER_SIZE + 7) & ~7)) | 0;
        count++;
        if ((header & DISCARD) === 0) {
          if (memory !== undefined) sink.record!(memory, at + HEADER_SIZE, length);
          // Half the cost of a subarray().
          else sink.event(new Uint8Array(ring, PAGE_SIZE + at + HEADER_SIZE, length), 0);
        }
      }
    } finally {
      if (low !== first) {
        // A batch is less than the ring, and the ring less than 2^32.
        this.#position += (low - first) >>> 0;
        this.#consumer.store(this.#position);
      }
    }
    return count;
  }
}

/** Subscribes to a ring buffer map. @param size Bytes of data, the map's `maxEntries`. */
export function subscribeRingBuffer(fd: number, size: number, sink: EventSink): EventSubscription {
  const reader = new RingBufferReader(fd, size, sink);
  const poller = new Poller(fd, reader);
  let closed = false;
  poller.start();
  return {
    poll: () => (closed ? 0 : reader.drain()),
    pause: () => {
      poller.stop();
      reader.stop();
    },
    resume: () => {
      if (closed) return;
      reader.go();
      poller.start();
    },
    close: () => {
      closed = true;
      poller.stop();
      reader.stop();
    },
  };
}
