import type { LinearMemory, Region, RegionRegistry } from "../wasm/index.js";

/** Bytes of one entry; the fields' offsets are {@link regionEntry}. */
export const REGION_ENTRY_SIZE = 32;

/** An entry of the table in linear memory: u32s, in bytes from the entry's start. */
export const regionEntry = {
  start: 0,
  end: 4,
  stride: 8,
  offset: 12,
  size: 16,
  /** 1 or 0. */
  writable: 20,
  readableOffset: 24,
  readableSize: 28,
} as const;

/** Where generated code finds the table: u32s, in bytes from {@link RegionTable.header}. */
export const regionHeader = { entries: 0, count: 4 } as const;

/**
 * The regions that don't belong to a run (map values, ring buffers, what else the runtime exposes), in linear memory,
 * sorted by address for the binary search of generated code (`region-check.ts`).
 */
export class RegionTable implements RegionRegistry {
  /** Address of the header, which stays where it is while the table grows. */
  readonly header: number;
  readonly #memory: LinearMemory;
  readonly #regions: Region[] = [];
  #entries: number;
  #capacity = 64;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.header = memory.alloc(16);
    this.#entries = memory.alloc(this.#capacity * REGION_ENTRY_SIZE);
    this.#writeHeader();
  }

  /** @throws RangeError when `region` overlaps another one or contradicts itself. */
  add(region: Region): void {
    const { start, length, stride, offset, size } = region;
    const parts = [{ offset, size }, region.readable ?? { offset: 0, size: 0 }];
    if (
      !(length > 0 && stride > 0 && length % stride === 0 && parts.every((part) => part.offset + part.size <= stride))
    )
      throw new RangeError(`${region.name}: elements of ${stride} bytes don't make a region of ${length}`);
    const at = this.#firstAfter(start);
    const before = this.#regions[at - 1];
    const after = this.#regions[at];
    const overlapped = before && before.start + before.length > start ? before : after;
    if (overlapped && overlapped.start < start + length && overlapped.start + overlapped.length > start)
      throw new RangeError(`${region.name} overlaps ${overlapped.name}`);
    if (this.#regions.length === this.#capacity) this.#grow();
    this.#regions.splice(at, 0, region);
    const entry = this.#entries + at * REGION_ENTRY_SIZE;
    const end = this.#entries + (this.#regions.length - 1) * REGION_ENTRY_SIZE;
    this.#memory.u8.copyWithin(entry + REGION_ENTRY_SIZE, entry, end);
    this.#writeEntry(entry, region);
    this.#writeHeader();
  }

  remove(start: number): void {
    const at = this.#firstAfter(start) - 1;
    if (this.#regions[at]?.start !== start) throw new RangeError(`no region starts at ${start}`);
    const entry = this.#entries + at * REGION_ENTRY_SIZE;
    const end = this.#entries + this.#regions.length * REGION_ENTRY_SIZE;
    this.#memory.u8.copyWithin(entry, entry + REGION_ENTRY_SIZE, end);
    this.#regions.splice(at, 1);
    this.#writeHeader();
  }

  /** Regions that there are. */
  get length(): number {
    return this.#regions.length;
  }

  /** The region that `address` lies in, or that ends at most `slack` bytes before it. */
  find(address: number, slack = 0): Region | undefined {
    const region = this.#regions[this.#firstAfter(address) - 1];
    return region !== undefined && address < region.start + region.length + slack ? region : undefined;
  }

  /** Frees the table. */
  close(): void {
    this.#memory.free(this.#entries);
    this.#memory.free(this.header);
  }

  /** Index of the first region that starts after `address`. */
  #firstAfter(address: number): number {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#regions[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const entries = this.#memory.alloc(this.#capacity * 2 * REGION_ENTRY_SIZE);
    this.#memory.u8.copyWithin(entries, this.#entries, this.#entries + this.#capacity * REGION_ENTRY_SIZE);
    this.#memory.free(this.#entries);
    this.#entries = entries;
    this.#capacity *= 2;
  }

  #writeEntry(entry: number, region: Region): void {
    const words = this.#memory.u32.subarray(entry / 4, entry / 4 + REGION_ENTRY_SIZE / 4);
    words[regionEntry.start / 4] = region.start;
    words[regionEntry.end / 4] = region.start + region.length;
    words[regionEntry.stride / 4] = region.stride;
    words[regionEntry.offset / 4] = region.offset;
    words[regionEntry.size / 4] = region.size;
    words[regionEntry.writable / 4] = region.writable ? 1 : 0;
    words[regionEntry.readableOffset / 4] = region.readable?.offset ?? 0;
    words[regionEntry.readableSize / 4] = region.readable?.size ?? 0;
  }

  #writeHeader(): void {
    const words = this.#memory.u32;
    words[(this.header + regionHeader.entries) / 4] = this.#entries;
    words[(this.header + regionHeader.count) / 4] = this.#regions.length;
  }
}
