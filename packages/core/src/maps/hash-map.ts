import {
  BPF_F_LOCK,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_ZERO_SEED,
  EINVAL,
  ENOENT,
  ENOMEM,
} from "../abi/index.js";
import { BpfError } from "../base/index.js";
import type { MapAttributes } from "./attributes.js";
import { keyShape } from "./core/key.js";
import { startHash } from "./core/wyhash32.js";
import { ELEMENT_LIVE, element, hashSlot, mapHeader, roundUp8 } from "./layout.js";
import { type BatchResult, LiveMap } from "./live-map.js";
import { createLruLists, lruListsSize } from "./lru-setup.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

/** Bytes of a chunk of a map that grows. */
const CHUNK_BYTES = 65536;
const FIRST_SLOTS = 16;
/** Prefilled maps have one chunk: no index has this bit. */
const ONE_CHUNK_SHIFT = 31;

/** What the kinds of hash differ in. */
export interface HashKind {
  readonly perCpu: boolean;
  readonly lru: boolean;
  /** Bytes of a value in its element, where it isn't the value itself. */
  readonly slotSize?: number;
}

/** Hash, per-CPU hash and LRU hash. @see https://docs.kernel.org/bpf/map_hash.html */
export class HashMap extends LiveMap {
  /**
   * Room for one key: written here by whoever has it as numbers (`LinearMemory.u32`), it is looked for with
   * {@link findWritten}, at a third of what a key of bytes costs.
   */
  readonly keyAddress: number;
  readonly #kind: HashKind;
  readonly #peek: (map: number, key: number) => number;
  readonly #valueStride: number;
  readonly #preallocated: boolean;
  #directory = 0;
  #directorySize = 0;
  #chunks = 0;

  constructor(core: MapCore, attributes: MapAttributes, kind: HashKind) {
    super(core, attributes, roundedEntries(core, attributes));
    this.#kind = kind;
    this.#peek = core.functions[`${kind.lru ? "lru_peek" : "hash_lookup"}_${keyShape(this.keySize)}`];
    this.keyAddress = this.allocate(this.keySize);
    this.#valueStride = roundUp8(this.valueSize);
    this.#preallocated = (this.flags & BPF_F_NO_PREALLOC) === 0;
    const valueOffset = (kind.lru ? element.LRU_KEY : element.KEY) + roundUp8(this.keySize);
    this.set(mapHeader.VALUE_OFFSET, valueOffset);
    this.set(mapHeader.STRIDE, valueOffset + (kind.perCpu ? 8 : (kind.slotSize ?? this.#valueStride)));
    if (kind.perCpu) this.set(mapHeader.VALUE_STRIDE, this.#valueStride);
    const seed = startHash((this.flags & BPF_F_ZERO_SEED) === 0 ? core.nextSeed() : 0, this.keySize);
    this.set(mapHeader.SEED_A, seed.a);
    this.set(mapHeader.SEED_B, seed.b);
    if (this.#preallocated) this.#preallocate();
    else this.#startSmall();
    if (kind.lru) {
      const common = (this.flags & BPF_F_NO_COMMON_LRU) === 0;
      const lists = this.allocate(lruListsSize(common, core.cpus));
      createLruLists(this.memory, this.address, lists, { common, cpus: core.cpus, maxEntries: this.maxEntries });
    }
  }

  /** Entries that are there now. */
  get count(): number {
    return this.field(mapHeader.COUNT);
  }

  override get transferSize(): number {
    return this.#kind.perCpu ? this.#valueStride * this.core.cpus : this.valueSize;
  }

  override get batchTokenSize(): number {
    return 4;
  }

  /**
   * Where a key's value lies (CPU 0's, in per-CPU maps), 0 where the key isn't there. Valid until it is deleted; it
   * doesn't count as use in an LRU.
   */
  find(key: Uint8Array): number {
    writeBytes(this.memory, this.keyAddress, key, 0, this.keySize);
    return this.findWritten();
  }

  /** {@link find} for keys of 4 bytes. */
  find32(key: number): number {
    this.memory.u32[this.keyAddress >>> 2] = key;
    return this.findWritten();
  }

  /** {@link find} for keys of 8 bytes, given as halves. */
  find64(low: number, high: number): number {
    const { u32 } = this.memory;
    const at = this.keyAddress >>> 2;
    u32[at] = low;
    u32[at + 1] = high;
    return this.findWritten();
  }

  /** {@link find} for the key that was written to {@link keyAddress}. */
  findWritten(): number {
    const entry = this.#peek(this.address, this.keyAddress) >>> 0;
    return entry !== 0 && this.#kind.perCpu ? this.memory.u32[entry >>> 2]! : entry;
  }

  override holdsValue(address: number): boolean {
    const entry = address - this.field(mapHeader.VALUE_OFFSET);
    return (this.memory.u32[(entry + element.STATE) >>> 2]! & ELEMENT_LIVE) !== 0;
  }

  override grow(): number {
    if (this.#preallocated) return ENOMEM;
    try {
      this.#addChunk();
      this.#growTable();
      return 0;
    } catch (error) {
      if (error instanceof BpfError && error.code === "ENOMEM") return ENOMEM;
      throw error;
    }
  }

  protected override get canBatch() {
    return { update: true, delete: true };
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.find(key);
    if (address === 0) return -ENOENT;
    this.readValue(address, value, 0);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const scratch = this.core.scratch(this.valueSize);
    writeBytes(this.memory, this.keyAddress, key, 0, this.keySize);
    writeBytes(this.memory, scratch, value, 0, this.valueSize);
    const error = this.core.functions.update(this.address, this.keyAddress, scratch, flags);
    if (error !== 0 || !this.#kind.perCpu) return error;
    const address = this.findWritten();
    const cpuStride = this.field(mapHeader.CPU_STRIDE);
    for (let cpu = 0; cpu < this.core.cpus; cpu++) {
      writeBytes(this.memory, address + cpu * cpuStride, value, cpu * this.#valueStride, this.#valueStride);
    }
    return 0;
  }

  protected deleteEntry(key: Uint8Array): number {
    writeBytes(this.memory, this.keyAddress, key, 0, this.keySize);
    return this.core.functions.delete(this.address, this.keyAddress);
  }

  protected override takeEntry(key: Uint8Array, value: Uint8Array): number {
    const error = this.lookupEntry(key, value);
    return error === 0 ? this.deleteEntry(key) : error;
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    const scratch = this.core.scratch(this.keySize);
    if (key !== undefined) writeBytes(this.memory, this.keyAddress, key, 0, this.keySize);
    const error = this.core.functions.next_key(this.address, key === undefined ? 0 : this.keyAddress, scratch);
    if (error === 0) readBytes(this.memory, scratch, next, 0, this.keySize);
    return error;
  }

  /**
   * The token is a position in the pool. The kernel's is a bucket, and it answers -ENOSPC when a bucket holds more than
   * `count` entries; positions here hold one, so that never happens.
   */
  protected override readBatch(
    start: Uint8Array | undefined,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: number,
    flags: number,
    remove: boolean,
  ): BatchResult {
    if ((flags & ~BPF_F_LOCK) !== 0) return { error: -EINVAL, count };
    if (count === 0) return { error: 0, count };
    const used = this.field(mapHeader.USED);
    let index = start === undefined ? 0 : new DataView(start.buffer, start.byteOffset).getUint32(0, true);
    if (start !== undefined && index >= used) return { error: -ENOENT, count: 0 };
    let done = 0;
    for (; index < used; index++) {
      const entry = this.#elementAt(index);
      if ((this.memory.u32[(entry + element.STATE) >>> 2]! & ELEMENT_LIVE) === 0) continue;
      if (done === count) break;
      this.#readElement(entry, keys, values, done++);
      if (remove) this.deleteEntry(keys.subarray((done - 1) * this.keySize, done * this.keySize));
    }
    new DataView(next.buffer, next.byteOffset).setUint32(0, index, true);
    return { error: index === used ? -ENOENT : 0, count: done };
  }

  /** Copies an entry's value as user space sees it. */
  protected readValue(address: number, value: Uint8Array, offset: number): void {
    if (this.#kind.perCpu) {
      const cpuStride = this.field(mapHeader.CPU_STRIDE);
      for (let cpu = 0; cpu < this.core.cpus; cpu++) {
        readBytes(this.memory, address + cpu * cpuStride, value, offset + cpu * this.#valueStride, this.#valueStride);
      }
      return;
    }
    readBytes(this.memory, address, value, offset, this.valueSize);
    if (this.fields.length > 0) this.hideFields(value.subarray(offset));
  }

  /** Addresses of all entries' values. */
  protected *valueAddresses(): IterableIterator<number> {
    const used = this.field(mapHeader.USED);
    for (let index = 0; index < used; index++) {
      const entry = this.#elementAt(index);
      if ((this.memory.u32[(entry + element.STATE) >>> 2]! & ELEMENT_LIVE) !== 0) {
        yield entry + this.field(mapHeader.VALUE_OFFSET);
      }
    }
  }

  #readElement(entry: number, keys: Uint8Array, values: Uint8Array, at: number): void {
    const keyAddress = entry + (this.#kind.lru ? element.LRU_KEY : element.KEY);
    readBytes(this.memory, keyAddress, keys, at * this.keySize, this.keySize);
    const value = entry + this.field(mapHeader.VALUE_OFFSET);
    this.readValue(this.#kind.perCpu ? this.memory.u32[value >>> 2]! : value, values, at * this.transferSize);
  }

  #elementAt(index: number): number {
    const shift = this.field(mapHeader.CHUNK_SHIFT);
    const chunk = this.memory.u32[(this.#directory >>> 2) + (index >>> shift) * 2]!;
    return chunk + (index & (2 ** shift - 1)) * this.field(mapHeader.STRIDE);
  }

  #preallocate(): void {
    const spares = this.#kind.lru || this.#kind.perCpu ? 0 : this.core.cpus;
    const capacity = this.maxEntries + spares;
    this.#createTable(slotsFor(this.maxEntries));
    this.#directory = this.allocate(8);
    this.#directorySize = 1;
    this.set(mapHeader.CHUNKS, this.#directory);
    this.set(mapHeader.CHUNK_SHIFT, ONE_CHUNK_SHIFT);
    this.#allocateChunk(capacity);
    if (spares > 0) this.#createSpares(spares);
  }

  #startSmall(): void {
    const stride = this.field(mapHeader.STRIDE);
    let shift = 0;
    while (stride * 2 ** (shift + 1) <= CHUNK_BYTES && 2 ** shift < this.maxEntries) shift++;
    this.set(mapHeader.CHUNK_SHIFT, shift);
    this.#createTable(FIRST_SLOTS);
  }

  /** Elements that stand ready to replace one of a full map: the first of the pool. */
  #createSpares(spares: number): void {
    const list = this.allocate(spares * 4);
    this.set(mapHeader.SPARES, list);
    for (let index = 0; index < spares; index++) {
      const spare = this.#elementAt(index);
      this.memory.u32[(spare + element.STATE) >>> 2] = index;
      this.memory.u32[(list >>> 2) + index] = spare;
    }
    this.set(mapHeader.USED, spares);
  }

  #createTable(slots: number): void {
    this.set(mapHeader.TABLE, this.allocate(slots * hashSlot.SIZE, 64));
    this.set(mapHeader.TABLE_MASK, (slots - 1) * hashSlot.SIZE);
  }

  #growTable(): void {
    const slots = slotsFor(this.field(mapHeader.CAPACITY));
    const old = this.field(mapHeader.TABLE);
    if ((slots - 1) * hashSlot.SIZE <= this.field(mapHeader.TABLE_MASK)) return;
    const table = this.allocate(slots * hashSlot.SIZE, 64);
    this.core.functions.move_table(this.address, table, (slots - 1) * hashSlot.SIZE);
    this.release(old);
  }

  #addChunk(): void {
    if (this.#chunks === this.#directorySize) {
      const size = Math.max(16, this.#directorySize * 2);
      const larger = this.allocate(size * 8);
      if (this.#directory !== 0) {
        this.memory.u8.copyWithin(larger, this.#directory, this.#directory + this.#chunks * 8);
        this.release(this.#directory);
      }
      this.#directory = larger;
      this.#directorySize = size;
      this.set(mapHeader.CHUNKS, larger);
    }
    this.#allocateChunk(2 ** this.field(mapHeader.CHUNK_SHIFT));
  }

  #allocateChunk(elements: number): void {
    const chunk = this.allocate(elements * this.field(mapHeader.STRIDE), 64);
    let values = 0;
    if (this.#kind.perCpu) {
      const cpuStride = Math.ceil((elements * this.#valueStride) / 64) * 64;
      this.set(mapHeader.CPU_STRIDE, cpuStride);
      values = this.allocate(cpuStride * this.core.cpus, 64);
      const shape = { stride: this.#valueStride, offset: 0, size: this.valueSize };
      for (let cpu = 0; cpu < this.core.cpus; cpu++) this.expose(values + cpu * cpuStride, elements, shape);
    }
    this.expose(chunk, elements, {
      stride: this.field(mapHeader.STRIDE),
      offset: this.field(mapHeader.VALUE_OFFSET),
      // What lies in the element of other kinds is an address, which programs don't see.
      size: this.#kind.perCpu || this.#kind.slotSize !== undefined ? 0 : this.valueSize,
      key: {
        offset: this.#kind.lru ? element.LRU_KEY : element.KEY,
        // Of a reference, programs may read what user space reads, which follows the key.
        size: this.#kind.slotSize === undefined ? this.keySize : roundUp8(this.keySize) + 8,
      },
    });
    const at = (this.#directory >>> 2) + this.#chunks++ * 2;
    this.memory.u32[at] = chunk;
    this.memory.u32[at + 1] = values;
    this.set(mapHeader.CAPACITY, this.field(mapHeader.CAPACITY) + elements);
  }
}

/** A power of two of slots that keeps the table at most half full. */
function slotsFor(entries: number): number {
  return 2 ** Math.max(3, Math.ceil(Math.log2(entries * 2)));
}

/** Each CPU's own LRU gets the same share. */
function roundedEntries(core: MapCore, { maxEntries, flags = 0 }: MapAttributes): number {
  if ((flags & BPF_F_NO_COMMON_LRU) === 0) return maxEntries;
  const rounded = Math.ceil(maxEntries / core.cpus) * core.cpus;
  return rounded > 0xffff_ffff ? Math.floor(maxEntries / core.cpus) * core.cpus : rounded;
}
