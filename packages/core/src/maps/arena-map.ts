import { EINVAL, EOPNOTSUPP } from "../abi/index.js";
import type { MapAttributes } from "./attributes.js";
import { mapHeader } from "./layout.js";
import { LiveMap } from "./live-map.js";
import type { MapCore } from "./map-core.js";

const PAGE_SIZE = 4096;
/** Bytes that are taken from the linear memory at once and aligned to. */
const BLOCK_ALIGNMENT = 65536;

/**
 * Arena: pages that programs allocate and share with user space. The arena's whole range is reserved in linear memory when
 * the map is made, so a pointer into it is a linear address as all others; pages are handed out within it. Unlike in the
 * kernel, where it is lost, what a program stores to a page that isn't allocated stays until the page is freed.
 */
export class ArenaMap extends LiveMap {
  /** Address of the first page; the arena ends `maxEntries` pages on. */
  readonly start: number;
  readonly #taken: Uint8Array;

  constructor(core: MapCore, attributes: MapAttributes) {
    super(core, attributes);
    this.start = this.allocate(this.maxEntries * PAGE_SIZE, BLOCK_ALIGNMENT);
    this.#taken = new Uint8Array(this.maxEntries);
    const size = this.maxEntries * PAGE_SIZE;
    this.expose(this.start, 1, { stride: size, offset: 0, size });
    this.set(mapHeader.STORAGE, this.start);
  }

  /** bpf_arena_alloc_pages(): address of `count` pages, zeroed; at `wanted` where it isn't 0. 0 when they can't be had. */
  allocPages(count: number, wanted = 0): number {
    if (count === 0 || count > this.maxEntries) return 0;
    const first = wanted === 0 ? this.#findRoom(count) : this.#pageAt(wanted);
    if (first === undefined || first + count > this.maxEntries || !this.#isFree(first, count)) return 0;
    this.#taken.fill(1, first, first + count);
    const address = this.start + first * PAGE_SIZE;
    return address;
  }

  /** bpf_arena_free_pages(): what isn't allocated is ignored. */
  freePages(address: number, count: number): void {
    const first = this.#pageAt(address);
    if (first === undefined) return;
    const end = Math.min(first + count, this.maxEntries);
    this.#taken.fill(0, first, end);
    this.memory.u8.fill(0, this.start + first * PAGE_SIZE, this.start + end * PAGE_SIZE);
  }

  /** Is the page of this address allocated? */
  isAllocated(address: number): boolean {
    const page = this.#pageAt(address - (address % PAGE_SIZE));
    return page !== undefined && this.#taken[page] === 1;
  }

  protected lookupEntry(): number {
    return -EINVAL;
  }

  protected updateEntry(): number {
    return -EOPNOTSUPP;
  }

  protected deleteEntry(): number {
    return -EINVAL;
  }

  protected nextEntry(): number {
    return -EOPNOTSUPP;
  }

  #pageAt(address: number): number | undefined {
    const page = (address - this.start) / PAGE_SIZE;
    return Number.isInteger(page) && page >= 0 && page < this.maxEntries ? page : undefined;
  }

  #isFree(first: number, count: number): boolean {
    for (let page = first; page < first + count; page++) if (this.#taken[page] !== 0) return false;
    return true;
  }

  #findRoom(count: number): number | undefined {
    let run = 0;
    for (let page = 0; page < this.maxEntries; page++) {
      run = this.#taken[page] === 0 ? run + 1 : 0;
      if (run === count) return page - count + 1;
    }
    return undefined;
  }
}
