import { BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { readKeyBatch } from "./key-batch.js";
import { mapHeader, roundUp8 } from "./layout.js";
import { type BatchResult, LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";
import { readBytes, writeBytes } from "./transfer.js";

/** Key of an array: a little-endian u32. */
export function readIndex(key: Uint8Array): number {
  return (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;
}

/** Writes an index as a key of 4 bytes. */
export function writeIndex(key: Uint8Array, index: number): void {
  key[0] = index;
  key[1] = index >>> 8;
  key[2] = index >>> 16;
  key[3] = index >>> 24;
}

/** GET_NEXT_KEY of everything that is indexed: from the start for an index that is out of range. */
export function nextIndex(key: Uint8Array | undefined, next: Uint8Array, maxEntries: number): number {
  const index = key === undefined ? maxEntries : readIndex(key);
  if (index === maxEntries - 1) return -ENOENT;
  writeIndex(next, index >= maxEntries ? 0 : index + 1);
  return 0;
}

/** An array: all entries exist, zeroed at first. @see https://docs.kernel.org/bpf/map_array.html */
export class ArrayMap extends LiveMap {
  /** Address of entry 0 and bytes from one to the next: entries can be read where they are, see {@link entryAddress}. */
  readonly storage: number;
  readonly stride: number;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.stride = roundUp8(this.valueSize);
    this.storage = this.allocate(this.stride * this.maxEntries);
    this.expose(this.storage, this.maxEntries, { stride: this.stride, offset: 0, size: this.valueSize });
    this.set(mapHeader.STORAGE, this.storage);
    this.set(mapHeader.STRIDE, this.stride);
    this.set(mapHeader.COUNT, this.maxEntries);
  }

  /** Where an entry's value lies; 0 for an index that is out of range. Stays valid as long as the map. */
  entryAddress(index: number): number {
    return index >>> 0 < this.maxEntries ? this.storage + index * this.stride : 0;
  }

  /** The first entry from `index` on that isn't all zeros, or -1: large arrays tend to be nearly empty. */
  nextNonZero(index: number): number {
    // Entries are multiples of 8 bytes, and what a value doesn't cover of the last ones is zero.
    const words = this.memory.u32;
    const end = (this.storage + this.maxEntries * this.stride) >>> 2;
    for (let at = (this.storage + index * this.stride) >>> 2; at < end; at++) {
      if (words[at] !== 0) return Math.floor((at * 4 - this.storage) / this.stride);
    }
    return -1;
  }

  protected override get canBatch() {
    return { update: true, delete: false };
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.entryAddress(readIndex(key));
    if (address === 0) return -ENOENT;
    readBytes(this.memory, address, value, 0, this.valueSize);
    if (this.fields.length > 0) this.hideFields(value);
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    const scratch = this.core.scratch(8 + this.valueSize);
    writeBytes(this.memory, scratch, key, 0, 4);
    writeBytes(this.memory, scratch + 8, value, 0, this.valueSize);
    return this.core.functions.update(this.address, scratch, scratch + 8, flags);
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    return nextIndex(key, next, this.maxEntries);
  }

  protected override readBatch(...batch: Parameters<LiveMap["readBatch"]>): BatchResult {
    return readKeyBatch(this, ...batch);
  }
}

/** A per-CPU array: CPU c's copy of entry i is at `storage + c * cpuStride + i * stride`. */
export class PerCpuArrayMap extends LiveMap {
  readonly storage: number;
  readonly stride: number;
  readonly cpuStride: number;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.stride = roundUp8(this.valueSize);
    // CPUs on cache lines of their own.
    this.cpuStride = Math.ceil((this.stride * this.maxEntries) / 64) * 64;
    this.storage = this.allocate(this.cpuStride * core.cpus, 64);
    for (let cpu = 0; cpu < core.cpus; cpu++) {
      const shape = { stride: this.stride, offset: 0, size: this.valueSize };
      this.expose(this.storage + cpu * this.cpuStride, this.maxEntries, shape);
    }
    this.set(mapHeader.STORAGE, this.storage);
    this.set(mapHeader.STRIDE, this.stride);
    this.set(mapHeader.CPU_STRIDE, this.cpuStride);
    this.set(mapHeader.COUNT, this.maxEntries);
  }

  override get transferSize(): number {
    return this.stride * this.core.cpus;
  }

  /** Where a CPU's copy lies; 0 out of range. */
  entryAddress(index: number, cpu: number): number {
    if (index >>> 0 >= this.maxEntries || cpu >>> 0 >= this.core.cpus) return 0;
    return this.storage + cpu * this.cpuStride + index * this.stride;
  }

  protected override get canBatch() {
    return { update: true, delete: false };
  }

  protected lookupEntry(key: Uint8Array, value: Uint8Array): number {
    const address = this.entryAddress(readIndex(key), 0);
    if (address === 0) return -ENOENT;
    for (let cpu = 0; cpu < this.core.cpus; cpu++) {
      readBytes(this.memory, address + cpu * this.cpuStride, value, cpu * this.stride, this.stride);
    }
    return 0;
  }

  protected updateEntry(key: Uint8Array, value: Uint8Array, flags: number): number {
    if (flags > BPF_EXIST) return -EINVAL;
    const address = this.entryAddress(readIndex(key), 0);
    if (address === 0) return -E2BIG;
    if (flags === BPF_NOEXIST) return -EEXIST;
    for (let cpu = 0; cpu < this.core.cpus; cpu++) {
      writeBytes(this.memory, address + cpu * this.cpuStride, value, cpu * this.stride, this.stride);
    }
    return 0;
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(key: Uint8Array | undefined, next: Uint8Array): number {
    return nextIndex(key, next, this.maxEntries);
  }

  protected override readBatch(...batch: Parameters<LiveMap["readBatch"]>): BatchResult {
    return readKeyBatch(this, ...batch);
  }
}
