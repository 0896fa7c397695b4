import { BpfError } from "@tsbpf/core/base";
import type { BpfMap } from "@tsbpf/core/host";
import { fdOf, mapMemory, PAGE_SIZE } from "../sys/index.js";
import { RingPosition } from "./position.js";

const HEADER_SIZE = 8;
const BUSY = 0x8000_0000;

/**
 * The producer's side of a user ring buffer (`user_ringbuf`, since 6.1): messages to a program, which takes them with
 * bpf_user_ringbuf_drain(). One producer at a time.
 *
 *     page 0    consumer position     the kernel's
 *     page 1    producer position     ours to write
 *     then      the data, twice in a row
 */
export class UserRing {
  readonly #size: number;
  readonly #consumer: RingPosition;
  readonly #producer: RingPosition;
  readonly #headers: Int32Array;
  readonly #data: Uint8Array;

  /** @throws BpfError `"MAP_TYPE"` for any other map. */
  constructor(map: BpfMap) {
    if (map.type !== "user_ringbuf") {
      throw new BpfError("MAP_TYPE", `map '${map.name}' is of type ${map.type}, not user_ringbuf`, { map: map.name });
    }
    const fd = fdOf(map);
    this.#size = map.info.maxEntries;
    const consumer = mapMemory(fd, 0, PAGE_SIZE, false, "user ring buffer");
    const producer = mapMemory(fd, PAGE_SIZE, PAGE_SIZE + 2 * this.#size, true, "user ring buffer");
    this.#consumer = new RingPosition(consumer, 0);
    this.#producer = new RingPosition(producer, 0);
    this.#headers = new Int32Array(producer, PAGE_SIZE, (2 * this.#size) / 4);
    this.#data = new Uint8Array(producer, PAGE_SIZE, 2 * this.#size);
  }

  /** Room for a message now, in bytes. */
  get room(): number {
    return Math.max(0, this.#size - (this.#producer.load() - this.#consumer.load()) - HEADER_SIZE);
  }

  /**
   * Puts a message into the ring. False when there is no room for it until the program has taken some.
   *
   * @throws BpfError `"VALUE"` for a message that is larger than the ring.
   */
  send(message: Uint8Array): boolean {
    const total = (message.length + HEADER_SIZE + 7) & ~7;
    if (total > this.#size) {
      throw new BpfError("VALUE", `a message of ${message.length} bytes does not fit a ring of ${this.#size}`, {
        size: this.#size,
      });
    }
    const position = this.#producer.load();
    if (position - this.#consumer.load() + total > this.#size) return false;
    const at = position % this.#size;
    const header = at >>> 2;
    Atomics.store(this.#headers, header, message.length | BUSY | 0);
    this.#headers[header + 1] = 0;
    this.#data.set(message, at + HEADER_SIZE);
    this.#producer.store(position + total);
    // The message is complete: the kernel stops at one that is busy.
    Atomics.store(this.#headers, header, message.length);
    return true;
  }
}
