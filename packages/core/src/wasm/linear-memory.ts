import { BpfError } from "../base/index.js";
import type { Limits } from "./module-builder.js";
import { PageRuns } from "./page-runs.js";
import { type WasmMemory, webAssembly } from "./webassembly.js";

/** Bytes of a page of WebAssembly memory. */
export const WASM_PAGE_SIZE = 65536;

/** The most pages that 32-bit addresses reach, less the last: address plus size of a block never wraps to 0. */
const MAX_PAGES = 65535;

/** Pages are asked from the engine in steps of this many, because each growth detaches every view. */
const GROWTH_PAGES = 16;

/** Cell sizes of pages that are cut into equal cells. Larger blocks take whole pages. */
const CELL_SIZES = [
  16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 21840,
  32768,
] as const;

/** A page that is cut into cells of one size. */
interface CellPage {
  readonly page: number;
  readonly sizeClass: number;
  /** Stack of free cells' numbers. */
  readonly free: Uint16Array;
  freeCount: number;
  /** 1 for each cell that is handed out. */
  readonly used: Uint8Array;
}

/** What is handed out, for tests that look for leaks. */
export interface AllocationStats {
  /** Blocks handed out. */
  readonly blocks: number;
  /** Their bytes, rounded up to the cells and pages that hold them. */
  readonly bytes: number;
  /** The highest {@link bytes} so far. */
  readonly peakBytes: number;
  /** Bytes of the memory, free ones included. */
  readonly memoryBytes: number;
}

/**
 * The one linear memory of a machine: the only owner of its `WebAssembly.Memory`, and its allocator.
 *
 * Growing detaches every typed array over the memory. The views here are reissued after growth, so use them as
 * `memory.u8[address]` and keep none across a call that can allocate. Generated code must not execute `memory.grow`.
 *
 * Blocks are zeroed. Bookkeeping lies outside of the memory, where a stray store of a program can't reach it. The first
 * 64 KiB are never handed out, so that a null pointer plus a small offset hits nothing.
 */
export class LinearMemory {
  readonly memory: WasmMemory;
  readonly shared: boolean;
  /** Bytes that the memory may grow to. */
  readonly maximum: number;
  #u8!: Uint8Array;
  #u16!: Uint16Array;
  #u32!: Uint32Array;
  #i32!: Int32Array;
  #view!: DataView;
  #pages: number;
  /** Pages from here on were never handed out, and so are zero. */
  #untouched = 1;
  readonly #freePages = new PageRuns();
  /** Blocks of whole pages by their first page: number of pages. */
  readonly #spans = new Map<number, number>();
  readonly #cellPages = new Map<number, CellPage>();
  /** For each size class the pages that have a free cell. */
  readonly #roomy: CellPage[][] = CELL_SIZES.map(() => []);
  #blocks = 0;
  #bytes = 0;
  #peakBytes = 0;

  /**
   * @param options.initial bytes at first (default 1 MiB), `maximum` bytes at most (default 4 GiB less a page), both
   * rounded up to pages; `shared` memory is shared with workers and reserves its maximum at once.
   */
  constructor(options: { initial?: number; maximum?: number; shared?: boolean } = {}) {
    const maximum = Math.min(MAX_PAGES, Math.max(1, pagesOf(options.maximum ?? MAX_PAGES * WASM_PAGE_SIZE)));
    const initial = Math.min(maximum, Math.max(1, pagesOf(options.initial ?? 16 * WASM_PAGE_SIZE)));
    this.shared = options.shared ?? false;
    this.maximum = maximum * WASM_PAGE_SIZE;
    try {
      this.memory = new (webAssembly().Memory)({ initial, maximum, ...(this.shared && { shared: true }) });
    } catch (cause) {
      throw new BpfError("ENOMEM", `the engine gives no memory of ${initial} pages`, { bytes: initial }, cause);
    }
    this.#pages = initial;
    if (initial > 1) this.#freePages.give(1, initial - 1);
    this.#issueViews();
  }

  /** What a module that imports this memory has to declare, for {@link ModuleBuilder.importMemory}; the same for all. */
  get limits(): Limits & { readonly shared: boolean } {
    return { minimum: 1, maximum: this.shared ? MAX_PAGES + 1 : undefined, shared: this.shared };
  }

  get u8(): Uint8Array {
    return this.#u8;
  }

  /** By index, that is address / 2. */
  get u16(): Uint16Array {
    return this.#u16;
  }

  /** By index, that is address / 4. */
  get u32(): Uint32Array {
    return this.#u32;
  }

  /** By index, that is address / 4. */
  get i32(): Int32Array {
    return this.#i32;
  }

  /** For accesses that need not be aligned; remember to ask for little-endian. */
  get view(): DataView {
    return this.#view;
  }

  /** Bytes of the memory now. */
  get size(): number {
    return this.#pages * WASM_PAGE_SIZE;
  }

  get stats(): AllocationStats {
    return { blocks: this.#blocks, bytes: this.#bytes, peakBytes: this.#peakBytes, memoryBytes: this.size };
  }

  /** A copy of bytes, which stays as it is when the memory grows or changes. */
  copy(address: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    bytes.set(this.#u8.subarray(address, address + length));
    return bytes;
  }

  /**
   * Hands out zeroed bytes; invalidates views. A size of 0 gives a block too.
   *
   * @param alignment a power of two, at most 64 KiB.
   * @throws BpfError `"ENOMEM"` when the maximum is reached or the engine has no more.
   */
  alloc(size: number, alignment = 8): number {
    if (!(size >= 0 && size <= this.maximum)) this.#exhausted(size);
    if (!(alignment > 0 && alignment <= WASM_PAGE_SIZE && (alignment & (alignment - 1)) === 0)) {
      throw new RangeError(`alignment ${alignment} is not a power of two up to ${WASM_PAGE_SIZE}`);
    }
    const sizeClass = CELL_SIZES.findIndex((cell) => cell >= size && (cell & -cell) >= alignment);
    const address = sizeClass < 0 ? this.#allocPages(size) : this.#allocCell(sizeClass);
    this.#blocks++;
    this.#bytes += this.sizeOf(address);
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes;
    return address;
  }

  /** Copies `bytes` into a new block. */
  allocBytes(bytes: Uint8Array, alignment = 8): number {
    const address = this.alloc(bytes.length, alignment);
    this.#u8.set(bytes, address);
    return address;
  }

  /**
   * Takes a block back.
   *
   * @throws RangeError for an address that {@link alloc} didn't hand out or that was freed before.
   */
  free(address: number): void {
    const size = this.sizeOf(address);
    this.#blocks--;
    this.#bytes -= size;
    const page = address >>> 16;
    const cells = this.#cellPages.get(page);
    if (cells === undefined) {
      this.#spans.delete(page);
      this.#freePages.give(page, size / WASM_PAGE_SIZE);
    } else this.#freeCell(cells, (address & 0xffff) / size);
  }

  /**
   * Bytes of the block at `address`, at least what was asked for.
   *
   * @throws RangeError when no block starts there.
   */
  sizeOf(address: number): number {
    const page = address >>> 16;
    const span = (address & 0xffff) === 0 ? this.#spans.get(page) : undefined;
    if (span !== undefined) return span * WASM_PAGE_SIZE;
    const cells = this.#cellPages.get(page);
    const size = cells === undefined ? 0 : CELL_SIZES[cells.sizeClass]!;
    const cell = (address & 0xffff) / size;
    if (cells === undefined || cells.used[cell] !== 1) throw new RangeError(`no block starts at ${address}`);
    return size;
  }

  #allocCell(sizeClass: number): number {
    const size = CELL_SIZES[sizeClass]!;
    const roomy = this.#roomy[sizeClass]!;
    const cells = roomy.at(-1) ?? this.#cutPage(sizeClass);
    const cell = cells.free[--cells.freeCount]!;
    if (cells.freeCount === 0) roomy.pop();
    cells.used[cell] = 1;
    const address = cells.page * WASM_PAGE_SIZE + cell * size;
    this.#u8.fill(0, address, address + size);
    return address;
  }

  #cutPage(sizeClass: number): CellPage {
    const count = Math.floor(WASM_PAGE_SIZE / CELL_SIZES[sizeClass]!);
    const page = this.#takePages(1);
    const free = new Uint16Array(count);
    for (let at = 0; at < count; at++) free[at] = count - 1 - at;
    const cells = { page, sizeClass, free, freeCount: count, used: new Uint8Array(count) };
    this.#cellPages.set(page, cells);
    this.#roomy[sizeClass]!.push(cells);
    return cells;
  }

  #freeCell(cells: CellPage, cell: number): void {
    const roomy = this.#roomy[cells.sizeClass]!;
    cells.used[cell] = 0;
    cells.free[cells.freeCount++] = cell;
    if (cells.freeCount === 1) roomy.push(cells);
    // The last page with room is kept, so that a block freed and asked for again does not cut a page each time.
    if (cells.freeCount === cells.free.length && roomy.length > 1) {
      roomy.splice(roomy.indexOf(cells), 1);
      this.#cellPages.delete(cells.page);
      this.#freePages.give(cells.page, 1);
    }
  }

  #allocPages(size: number): number {
    const count = pagesOf(size);
    const untouched = this.#untouched;
    const page = this.#takePages(count);
    const usedBefore = Math.min(count, Math.max(0, untouched - page));
    this.#u8.fill(0, page * WASM_PAGE_SIZE, (page + usedBefore) * WASM_PAGE_SIZE);
    this.#spans.set(page, count);
    return page * WASM_PAGE_SIZE;
  }

  #takePages(count: number): number {
    let page = this.#freePages.take(count);
    if (page < 0) {
      this.#grow(count);
      page = this.#freePages.take(count);
    }
    this.#untouched = Math.max(this.#untouched, page + count);
    return page;
  }

  /** Grows until `count` pages are free at the end. */
  #grow(count: number): void {
    const needed = count - this.#freePages.trailing(this.#pages);
    const room = this.maximum / WASM_PAGE_SIZE - this.#pages;
    if (needed > room) this.#exhausted(count * WASM_PAGE_SIZE);
    const step = Math.min(room, Math.max(needed, GROWTH_PAGES));
    try {
      this.memory.grow(step);
    } catch (cause) {
      this.#exhausted(count * WASM_PAGE_SIZE, cause);
    }
    this.#freePages.give(this.#pages, step);
    this.#pages += step;
    this.#issueViews();
  }

  #issueViews(): void {
    const { buffer } = this.memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#i32 = new Int32Array(buffer);
    this.#view = new DataView(buffer);
  }

  #exhausted(size: number, cause?: unknown): never {
    const message = `no room for ${size} bytes: ${this.#bytes} of at most ${this.maximum} are in use`;
    throw new BpfError("ENOMEM", message, { size, inUse: this.#bytes, maximum: this.maximum }, cause);
  }
}

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / WASM_PAGE_SIZE);
}
