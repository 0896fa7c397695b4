/** Numbers of one entry of a {@link History}. */
const HISTORY_WORDS = 4;

/**
 * The way since the last checkpoint: an entry where control did not just fall through, and where an instruction did
 * something that precision tracking has to know about.
 */
export class History {
  /** A plain array: most are short, for which the memory of a typed one costs more than all that is done with it. */
  readonly #entries: number[];

  constructor(entries: number[] = []) {
    this.#entries = entries;
  }

  get length(): number {
    return this.#entries.length / HISTORY_WORDS;
  }

  push(slot: number, previous: number, flags: number, linked: number): void {
    this.#entries.push(slot, previous, flags, linked);
  }

  slot(index: number): number {
    return this.#entries[index * HISTORY_WORDS]!;
  }

  previous(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 1]!;
  }

  flags(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 2]!;
  }

  /** Index of a set of linked registers, or 0. */
  linked(index: number): number {
    return this.#entries[index * HISTORY_WORDS + 3]!;
  }

  amend(index: number, flags: number, linked: number): void {
    const at = index * HISTORY_WORDS;
    this.#entries[at + 2] = this.#entries[at + 2]! | flags;
    this.#entries[at + 3] = linked;
  }

  copy(): History {
    return new History(this.#entries.slice());
  }
}
