import { decodeText, FormatError } from "../base/index.js";

/**
 * Names out of an ELF string table. Names may overlap (linkers merge tails), but only so much: all the text that is
 * handed out stays within a small multiple of the table, however many symbols point into it.
 */
export class StringTable {
  readonly #bytes: Uint8Array;
  readonly #section: string;
  readonly #names = new Map<number, string>();
  #budget: number;

  constructor(bytes: Uint8Array, section: string) {
    this.#bytes = bytes;
    this.#section = section;
    this.#budget = bytes.length * 8 + 4096;
  }

  /** @throws FormatError for an offset outside of the table, a name without an end, or too much overlap. */
  at(offset: number): string {
    const known = this.#names.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.#bytes.length) {
      if (offset === 0) return "";
      this.#fail(`a name is said to be at ${offset}, the table has ${this.#bytes.length} bytes`, offset);
    }
    const end = this.#bytes.subarray(0, offset + this.#budget).indexOf(0, offset);
    if (end < 0) {
      this.#fail(
        offset + this.#budget >= this.#bytes.length ? "a name has no end" : "the names overlap too much",
        offset,
      );
    }
    this.#budget -= end - offset;
    const name = decodeText(this.#bytes.subarray(offset, end));
    this.#names.set(offset, name);
    return name;
  }

  #fail(message: string, offset: number): never {
    throw new FormatError(message, { section: this.#section, offset });
  }
}
