import { BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ, ENOTSUPP } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { mapHeader, ringBlock } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";

const PAGE_SIZE = 4096;
const LENGTH_MASK = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

/** A ring of records over linear memory: what the two kinds of ring buffer share. `maxEntries` is in bytes. */
export abstract class RingMap extends LiveMap {
  /** Address of the block, see {@link ringBlock}. */
  readonly block: number;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.block = this.allocate(ringBlock.DATA + 2 * this.maxEntries, PAGE_SIZE);
    const dataBytes = 2 * this.maxEntries;
    this.expose(this.block + ringBlock.DATA, 1, { stride: dataBytes, offset: 0, size: dataBytes });
    this.memory.u32[(this.block + ringBlock.MAP) >>> 2] = this.address;
    this.set(mapHeader.STORAGE, this.block);
    this.set(mapHeader.HEAD, this.maxEntries - 1);
  }

  /** Bytes that were ever consumed. */
  get consumed(): number {
    return this.readPosition(ringBlock.CONSUMER);
  }

  /** Bytes that were ever produced. */
  get produced(): number {
    return this.readPosition(ringBlock.PRODUCER);
  }

  protected readPosition(offset: number): number {
    const { u32 } = this.memory;
    const at = (this.block + offset) >>> 2;
    return u32[at]! + u32[at + 1]! * 2 ** 32;
  }

  protected writePosition(offset: number, position: number): void {
    const { u32 } = this.memory;
    const at = (this.block + offset) >>> 2;
    u32[at] = position;
    u32[at + 1] = Math.floor(position / 2 ** 32);
  }

  /** Address of the record's header at a position. */
  protected headerAt(position: number): number {
    return this.block + ringBlock.DATA + (position % this.maxEntries);
  }

  protected lookupEntry(): number {
    return -ENOTSUPP;
  }

  protected updateEntry(): number {
    return -ENOTSUPP;
  }

  protected deleteEntry(): number {
    return -ENOTSUPP;
  }

  protected nextEntry(): number {
    return -ENOTSUPP;
  }
}

/** Bytes that a record takes, from its length word. */
function recordBytes(word: number): number {
  return ((word & LENGTH_MASK) + BPF_RINGBUF_HDR_SZ + 7) & ~7;
}

/** Ring buffer from programs to user space. @see https://docs.kernel.org/bpf/ringbuf.html */
export class RingBufferMap extends RingMap {
  #wakeupsSeen = 0;

  /** Bytes that wait for a reader, records in the making included. */
  get available(): number {
    return this.produced - this.consumed;
  }

  /** Was a reader to be woken since the last {@link consume}? BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP have a say. */
  get wantsReader(): boolean {
    return this.field(mapHeader.WAKEUPS) !== this.#wakeupsSeen;
  }

  /**
   * Hands the records that are ready to `sink`, at most `limit`, and makes their room free. The bytes are a view into the
   * ring, valid during the call. Returns how many there were.
   */
  consume(sink: (record: Uint8Array) => void, limit = Number.POSITIVE_INFINITY): number {
    this.#wakeupsSeen = this.field(mapHeader.WAKEUPS);
    let position = this.consumed;
    let count = 0;
    while (count < limit && position < this.produced) {
      const header = this.headerAt(position);
      const word = this.memory.u32[header >>> 2]!;
      if ((word & BPF_RINGBUF_BUSY_BIT) !== 0) break;
      position += recordBytes(word);
      if ((word & BPF_RINGBUF_DISCARD_BIT) === 0) {
        const start = header + BPF_RINGBUF_HDR_SZ;
        sink(this.memory.u8.subarray(start, start + (word & LENGTH_MASK)));
        count++;
      }
      this.writePosition(ringBlock.CONSUMER, position);
    }
    return count;
  }
}

/** Ring buffer from user space to programs, which drain it with bpf_user_ringbuf_drain(). */
export class UserRingBufferMap extends RingMap {
  /** Adds a record; false when there is no room. */
  produce(bytes: Uint8Array): boolean {
    const length = recordBytes(bytes.length);
    const position = this.produced;
    if (position + length - this.consumed > this.maxEntries) return false;
    const header = this.headerAt(position);
    this.memory.u32[header >>> 2] = bytes.length;
    this.memory.u32[(header >>> 2) + 1] = 0;
    this.memory.u8.set(bytes, header + BPF_RINGBUF_HDR_SZ);
    this.writePosition(ringBlock.PRODUCER, position + length);
    return true;
  }

  /** The oldest record's data, for a program; undefined when there is none. Discarded ones are skipped. */
  peek(): { readonly address: number; readonly size: number } | undefined {
    for (let position = this.consumed; position < this.produced; position = this.consumed) {
      const header = this.headerAt(position);
      const word = this.memory.u32[header >>> 2]!;
      if ((word & BPF_RINGBUF_BUSY_BIT) !== 0) return undefined;
      if ((word & BPF_RINGBUF_DISCARD_BIT) === 0)
        return { address: header + BPF_RINGBUF_HDR_SZ, size: word & LENGTH_MASK };
      this.writePosition(ringBlock.CONSUMER, position + recordBytes(word));
    }
    return undefined;
  }

  /** Ends with the record that {@link peek} gave. */
  drop(): void {
    const position = this.consumed;
    this.writePosition(ringBlock.CONSUMER, position + recordBytes(this.memory.u32[this.headerAt(position) >>> 2]!));
  }
}
