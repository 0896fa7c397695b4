import {
  BPF_F_LOCK,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_WRONLY,
  EFAULT,
  EINVAL,
  ENOTSUPP,
  EPERM,
  type MapType,
  mapTypeId,
} from "../abi/index.js";
import type { LinearMemory } from "../wasm/index.js";
import type { MapAttributes, ValueField } from "./attributes.js";
import { MAP_HEADER_SIZE, mapHeader } from "./layout.js";
import type { MapCore } from "./map-core.js";

/** How a batch ended: the errno (0, or negative: -ENOENT at the end of the map) and the elements that were done. */
export interface BatchResult {
  readonly error: number;
  readonly count: number;
}

/** What programs may touch of a block of equal elements: each one's value, and its key for reading. Bytes. */
export interface ElementShape {
  readonly stride: number;
  /** From an element's start to its value. */
  readonly offset: number;
  /** Of the value; 0 where it lies elsewhere. */
  readonly size: number;
  readonly key?: { readonly offset: number; readonly size: number } | undefined;
}

const U32_MAX = 0xffff_ffff;

/**
 * A map in linear memory, with the operations that bpf(2) gives user space. They answer with 0 or a negative errno, the
 * kernel's; keys and values are bytes. What programs do goes through the map core, by {@link address}.
 *
 * Operations check in the kernel's order: rights, flags, key, then what the type says.
 */
export abstract class LiveMap {
  readonly core: MapCore;
  /** Address of the header in linear memory: what a program's lddw loads. */
  readonly address: number;
  readonly name: string;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  /** Entries as the kernel reports them: an LRU with BPF_F_NO_COMMON_LRU rounds up to a multiple of the CPUs. */
  readonly maxEntries: number;
  /** BPF_F_* that belong to the map; who may read and write belongs to the one who created it. */
  readonly flags: number;
  /** Counts from 1 in the order of creation. */
  readonly id: number;
  readonly mapExtra: bigint;
  readonly fields: readonly ValueField[];
  readonly #hasSpinLock: boolean;
  readonly #blocks = new Set<number>();
  readonly #regions = new Set<number>();
  readonly #access: number;
  #frozen = false;
  #closed = false;

  constructor(core: MapCore, attributes: MapAttributes, maxEntries: number = attributes.maxEntries) {
    this.core = core;
    this.name = attributes.name ?? "";
    this.type = attributes.type;
    this.keySize = attributes.keySize;
    this.valueSize = attributes.valueSize;
    this.maxEntries = maxEntries;
    this.#access = (attributes.flags ?? 0) & (BPF_F_RDONLY | BPF_F_WRONLY);
    this.flags = (attributes.flags ?? 0) & ~(BPF_F_RDONLY | BPF_F_WRONLY);
    this.id = core.nextId();
    this.mapExtra = attributes.mapExtra ?? 0n;
    this.fields = attributes.fields ?? [];
    this.address = this.allocate(MAP_HEADER_SIZE, 64);
    this.set(mapHeader.TYPE, mapTypeId(this.type));
    this.set(mapHeader.KEY_SIZE, this.keySize);
    this.set(mapHeader.VALUE_SIZE, this.valueSize);
    this.set(mapHeader.MAX_ENTRIES, maxEntries);
    this.set(mapHeader.FLAGS, this.flags);
    this.set(mapHeader.CPUS, core.cpus);
    const lock = this.fields.find((field) => field.kind === "spin_lock");
    this.#hasSpinLock = lock !== undefined;
    this.set(mapHeader.SPIN_LOCK, lock === undefined ? 0 : lock.offset + 1);
    if (this.fields.length > 0) this.#writeFields();
    core.register(this);
  }

  get memory(): LinearMemory {
    return this.core.memory;
  }

  /** Bytes that a lookup writes and an update reads: of all CPUs together in per-CPU maps. */
  get transferSize(): number {
    return this.valueSize;
  }

  /** Bytes of linear memory that the map holds. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const block of this.#blocks) bytes += this.memory.sizeOf(block);
    return bytes;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** BPF_MAP_LOOKUP_ELEM: writes the value. */
  lookup(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    if ((flags & ~BPF_F_LOCK) !== 0 || flags > U32_MAX) return -EINVAL;
    if (!this.readable) return -EPERM;
    if (flags !== 0 && !this.#hasSpinLock) return -EINVAL;
    const error = this.#checkKey(key);
    if (error !== 0) return error;
    if (value.length < this.transferSize) return -EINVAL;
    return this.lookupEntry(key!, value);
  }

  /** BPF_MAP_UPDATE_ELEM. `flags`: BPF_ANY, BPF_NOEXIST, BPF_EXIST, with BPF_F_LOCK where the value has a bpf_spin_lock. */
  update(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    if (!this.writable) return -EPERM;
    if (flags > U32_MAX || flags < 0 || ((flags & BPF_F_LOCK) !== 0 && !this.#hasSpinLock)) return -EINVAL;
    const error = this.#checkKey(key);
    if (error !== 0) return error;
    if (value.length < this.transferSize) return -EINVAL;
    this.core.betweenRuns();
    return this.updateEntry(key!, value, flags);
  }

  /** BPF_MAP_DELETE_ELEM */
  delete(key: Uint8Array | undefined): number {
    if (!this.writable) return -EPERM;
    const error = this.#checkKey(key);
    if (error !== 0) return error;
    this.core.betweenRuns();
    return this.deleteEntry(key!);
  }

  /** BPF_MAP_LOOKUP_AND_DELETE_ELEM; queues and stacks pop. */
  lookupAndDelete(key: Uint8Array | undefined, value: Uint8Array, flags = 0): number {
    if ((flags & ~BPF_F_LOCK) !== 0 || flags > U32_MAX) return -EINVAL;
    if (!this.readable || !this.writable) return -EPERM;
    if (flags !== 0 && !this.#hasSpinLock) return -EINVAL;
    const error = this.#checkKey(key);
    if (error !== 0) return error;
    if (value.length < this.transferSize) return -EINVAL;
    this.core.betweenRuns();
    return this.takeEntry(key!, value);
  }

  /** BPF_MAP_GET_NEXT_KEY: writes the key after `key`, or the first one without one or when it isn't there. */
  nextKey(key: Uint8Array | undefined, next: Uint8Array): number {
    if (!this.readable) return -EPERM;
    if (key !== undefined) {
      const error = this.#checkKey(key);
      if (error !== 0) return error;
    }
    if (next.length < this.keySize) return -EINVAL;
    return this.nextEntry(key, next);
  }

  /**
   * BPF_MAP_LOOKUP_BATCH: up to `count` keys and values, laid end to end. `start` is what the last batch wrote to `next`
   * ({@link batchTokenSize} bytes), undefined for the first.
   */
  lookupBatch(
    start: Uint8Array | undefined,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: number,
    flags = 0,
  ): BatchResult {
    if (!this.readable) return { error: -EPERM, count };
    return this.readBatch(start, next, keys, values, count, flags, false);
  }

  /** BPF_MAP_LOOKUP_AND_DELETE_BATCH: as {@link lookupBatch}; hash kinds only. */
  takeBatch(
    start: Uint8Array | undefined,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: number,
    flags = 0,
  ): BatchResult {
    if (!this.readable || !this.writable) return { error: -EPERM, count };
    this.core.betweenRuns();
    return this.readBatch(start, next, keys, values, count, flags, true);
  }

  /** BPF_MAP_UPDATE_BATCH: stops at the first error; `count` says how many were updated. */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number, flags = 0): BatchResult {
    if (!this.writable) return { error: -EPERM, count };
    if (!this.canBatch.update) return { error: -ENOTSUPP, count };
    if ((flags & ~BPF_F_LOCK) !== 0 || (flags !== 0 && !this.#hasSpinLock)) return { error: -EINVAL, count };
    const { keySize, transferSize } = this;
    for (let done = 0; done < count; done++) {
      const key = keys.subarray(done * keySize, (done + 1) * keySize);
      const value = values.subarray(done * transferSize, (done + 1) * transferSize);
      const error = this.update(key, value, flags);
      if (error !== 0) return { error, count: done };
    }
    return { error: 0, count };
  }

  /** BPF_MAP_DELETE_BATCH: stops at the first error; `count` says how many were deleted. */
  deleteBatch(keys: Uint8Array, count: number, flags = 0): BatchResult {
    if (!this.writable) return { error: -EPERM, count };
    if (!this.canBatch.delete) return { error: -ENOTSUPP, count };
    if ((flags & ~BPF_F_LOCK) !== 0 || (flags !== 0 && !this.#hasSpinLock)) return { error: -EINVAL, count };
    for (let done = 0; done < count; done++) {
      const error = this.delete(keys.subarray(done * this.keySize, (done + 1) * this.keySize));
      if (error !== 0) return { error, count: done };
    }
    return { error: 0, count };
  }

  /** BPF_MAP_FREEZE: user space may not write any more; programs still do. */
  freeze(): number {
    if (this.#frozen || !this.writable) return -EPERM;
    this.#frozen = true;
    return 0;
  }

  /** Gives back all memory and references. Nobody may use the map, or pointers into it, afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.releaseEntries();
    this.core.unregister(this);
    for (const start of this.#regions) this.core.regions?.remove(start);
    for (const block of this.#blocks) this.memory.free(block);
    this.#blocks.clear();
  }

  /** Bytes of the position that a batch continues from. */
  get batchTokenSize(): number {
    return this.keySize;
  }

  /** Does the value at this address belong to an entry that is there? Of a kind whose entries go it may not any more. */
  holdsValue(_address: number): boolean {
    return true;
  }

  /** @internal More memory for the element pool, asked for by the map core. Returns 0 or an errno. */
  grow(): number {
    throw new RangeError(`a ${this.type} map doesn't grow`);
  }

  protected get readable(): boolean {
    return (this.#access & BPF_F_WRONLY) === 0;
  }

  protected get writable(): boolean {
    return (this.#access & BPF_F_RDONLY) === 0 && !this.#frozen;
  }

  protected get canBatch(): { readonly update: boolean; readonly delete: boolean } {
    return { update: false, delete: false };
  }

  protected abstract lookupEntry(key: Uint8Array, value: Uint8Array): number;
  protected abstract updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number;
  protected abstract deleteEntry(key: Uint8Array): number;
  protected abstract nextEntry(key: Uint8Array | undefined, next: Uint8Array): number;

  protected takeEntry(_key: Uint8Array, _value: Uint8Array): number {
    return -ENOTSUPP;
  }

  protected readBatch(
    _start: Uint8Array | undefined,
    _next: Uint8Array,
    _keys: Uint8Array,
    _values: Uint8Array,
    count: number,
    _flags: number,
    _remove: boolean,
  ): BatchResult {
    return { error: -ENOTSUPP, count };
  }

  /** Gives up references that entries hold; their memory is freed afterwards. */
  protected releaseEntries(): void {}

  /** Zeroed memory that lives as long as the map, or until {@link release}. */
  protected allocate(size: number, alignment = 8): number {
    const block = this.memory.alloc(size, alignment);
    this.#blocks.add(block);
    return block;
  }

  /** Lets checked programs touch `count` elements from `start` on, for as long as the map lives. */
  protected expose(start: number, count: number, shape: ElementShape): void {
    if (this.core.regions === undefined || count === 0) return;
    this.core.regions.add({
      name: `map ${this.name}`,
      start,
      length: count * shape.stride,
      stride: shape.stride,
      offset: shape.offset,
      size: shape.size,
      writable: (this.flags & BPF_F_RDONLY_PROG) === 0,
      readable: shape.key,
    });
    this.#regions.add(start);
  }

  /** Ends {@link expose}. */
  protected conceal(start: number): void {
    if (this.#regions.delete(start)) this.core.regions?.remove(start);
  }

  protected release(block: number): void {
    this.#blocks.delete(block);
    this.memory.free(block);
  }

  protected set(field: number, value: number): void {
    this.memory.u32[(this.address + field) >>> 2] = value;
  }

  protected field(field: number): number {
    return this.memory.u32[(this.address + field) >>> 2]!;
  }

  /** Zeroes what user space must not see of a value: locks, timers, kernel pointers. */
  protected hideFields(value: Uint8Array): void {
    for (const { offset, size } of this.fields) value.fill(0, offset, offset + size);
  }

  #checkKey(key: Uint8Array | undefined): number {
    if (this.keySize === 0) return key === undefined || key.length === 0 ? 0 : -EINVAL;
    if (key === undefined) return -EFAULT;
    return key.length === this.keySize ? 0 : -EINVAL;
  }

  #writeFields(): void {
    const list = this.allocate(this.fields.length * 8 + 8);
    const { u32 } = this.memory;
    let at = list >>> 2;
    for (const { offset, size } of this.fields) {
      u32[at++] = offset;
      u32[at++] = size;
    }
    u32[at] = this.valueSize;
    this.set(mapHeader.FIELDS, list);
  }
}
