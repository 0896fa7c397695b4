/** Free pages as runs, sorted and coalesced; taking is first fit. */
export class PageRuns {
  // Parallel columns: where each run starts and how many pages it has.
  readonly #start: number[] = [];
  readonly #count: number[] = [];

  /** The first page of `count` consecutive ones, or -1. */
  take(count: number): number {
    const at = this.#count.findIndex((available) => available >= count);
    if (at < 0) return -1;
    const start = this.#start[at]!;
    if (this.#count[at] === count) {
      this.#start.splice(at, 1);
      this.#count.splice(at, 1);
    } else {
      this.#start[at] = start + count;
      this.#count[at]! -= count;
    }
    return start;
  }

  /** Adds pages that are in no run. */
  give(start: number, count: number): void {
    let at = this.#after(start);
    if (at > 0 && this.#start[at - 1]! + this.#count[at - 1]! === start) {
      at--;
      this.#count[at]! += count;
    } else {
      this.#start.splice(at, 0, start);
      this.#count.splice(at, 0, count);
    }
    if (at + 1 < this.#start.length && this.#start[at]! + this.#count[at]! === this.#start[at + 1]) {
      this.#count[at]! += this.#count[at + 1]!;
      this.#start.splice(at + 1, 1);
      this.#count.splice(at + 1, 1);
    }
  }

  /** Free pages at the end of a memory of `pages` pages. */
  trailing(pages: number): number {
    const last = this.#start.length - 1;
    return last >= 0 && this.#start[last]! + this.#count[last]! === pages ? this.#count[last]! : 0;
  }

  /** Index of the first run that starts after `page`. */
  #after(page: number): number {
    let low = 0;
    let high = this.#start.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#start[middle]! < page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
