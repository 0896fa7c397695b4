import { FormatError } from "../base/index.js";
import { ENTRY_SIZE, FIXED_SIZE, KIND, LAST_KIND, RECORD_SIZE, REFERS } from "./format.js";
import type { BtfHeader } from "./header.js";
import type { StringTable } from "./strings.js";

/** The kernel's limit on the number of types, so that ids fit where it keeps them. */
const MAX_TYPES = 0xfffff;

/** Where the records of a section are, and what they are. */
export interface Scan {
  readonly offsets: Uint32Array;
  readonly kinds: Uint8Array;
}

/**
 * Walks all records once: finds their offsets, and sees to it that each is whole and that every name, type id and number
 * in it is in range, so that nothing after has to.
 *
 * @throws FormatError with the byte offset of the record, or of the entry within it
 */
export function scanRecords(
  bytes: Uint8Array,
  header: BtfHeader,
  strings: StringTable,
  firstId: number,
  section: string,
): Scan {
  const scanner = new Scanner(bytes, header, strings.end, section);
  const most = Math.floor(header.typeLength / RECORD_SIZE);
  const offsets = new Uint32Array(most);
  const kinds = new Uint8Array(most);
  const end = header.typeOffset + header.typeLength;
  let count = 0;
  for (let at = header.typeOffset; at < end; count++) {
    if (firstId + count > MAX_TYPES) scanner.fail(`more than ${MAX_TYPES} types`, at);
    offsets[count] = at;
    kinds[count] = scanner.kindAt(at, end);
    at = scanner.checkRecord(at, end);
  }
  scanner.checkReferences(firstId + count, offsets.subarray(0, count));
  return { offsets: offsets.slice(0, count), kinds: kinds.slice(0, count) };
}

class Scanner {
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #stringEnd: number;
  readonly #section: string;
  /** The largest type id that any record refers to. */
  #largest = 0;

  constructor(bytes: Uint8Array, header: BtfHeader, stringEnd: number, section: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = header.littleEndian;
    this.#stringEnd = stringEnd;
    this.#section = section;
  }

  fail(message: string, offset: number): never {
    throw new FormatError(message, { section: this.#section, offset });
  }

  kindAt(at: number, end: number): number {
    if (at + RECORD_SIZE > end) this.fail(`a type record needs ${RECORD_SIZE} bytes, ${end - at} are left`, at);
    const info = this.#word(at + 4);
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind > LAST_KIND) this.fail(`type kind ${kind} is unknown`, at + 4);
    if ((info & 0x60ff0000) !== 0) this.fail(`reserved bits are set in type info 0x${info.toString(16)}`, at + 4);
    return kind;
  }

  /** Checks one record, returns the offset of the next. */
  checkRecord(at: number, end: number): number {
    const info = this.#word(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const vlen = info & 0xffff;
    const entries = at + RECORD_SIZE + FIXED_SIZE[kind]!;
    const size = ENTRY_SIZE[kind]!;
    const next = entries + vlen * size;
    if (next > end) this.fail(`a type record of ${next - at} bytes reaches beyond the last`, at);
    this.#checkName(at);
    if ((REFERS >>> kind) & 1) this.#refer(at + 8);
    if (size === 0) this.#checkFixed(kind, at, vlen);
    else this.#checkEntries(kind, entries, next, size);
    if (kind === KIND.enum || kind === KIND.enum64) this.#checkEnumSize(at, vlen);
    return size === 0 ? entries : next;
  }

  /** @throws FormatError if a record refers to a type that does not exist; `length` is one more than the last id. */
  checkReferences(length: number, offsets: Uint32Array): void {
    if (this.#largest < length) return;
    // Something is out of range; going over the records a second time finds where.
    this.#largest = Number.NEGATIVE_INFINITY;
    this.#limit = length;
    for (const at of offsets) this.checkRecord(at, this.#view.byteLength);
  }

  #limit = Number.POSITIVE_INFINITY;

  #word(at: number): number {
    return this.#view.getUint32(at, this.#littleEndian);
  }

  #checkName(at: number): void {
    const name = this.#word(at);
    if (name >= this.#stringEnd && name !== 0) this.fail(`there is no string at ${name}`, at);
  }

  #refer(at: number): void {
    const id = this.#word(at);
    if (id > this.#largest) this.#largest = id;
    if (id >= this.#limit) this.fail(`type ${id} does not exist`, at);
  }

  #checkEntries(kind: number, start: number, end: number, size: number): void {
    if (kind === KIND.datasec) {
      for (let at = start; at < end; at += size) this.#refer(at);
      return;
    }
    const refers = kind !== KIND.enum && kind !== KIND.enum64;
    for (let at = start; at < end; at += size) {
      this.#checkName(at);
      if (refers) this.#refer(at + 4);
    }
  }

  #checkFixed(kind: number, at: number, vlen: number): void {
    const data = at + RECORD_SIZE;
    if (kind === KIND.func) {
      if (vlen > 2) this.fail(`function linkage ${vlen} is unknown`, at + 4);
    } else if (vlen !== 0) {
      this.fail(`vlen is ${vlen} on a kind that has no entries`, at + 4);
    } else if (kind === KIND.int) {
      this.#checkInt(at);
    } else if (kind === KIND.array) {
      this.#refer(data);
      this.#refer(data + 4);
    } else if (kind === KIND.var) {
      if (this.#word(data) > 2) this.fail(`variable linkage ${this.#word(data)} is unknown`, data);
    } else if (kind === KIND.decl_tag) {
      if ((this.#word(data) | 0) < -1) this.fail(`component ${this.#word(data) | 0} of a decl_tag`, data);
    } else if (kind === KIND.float) {
      const size = this.#word(at + 8);
      if (![2, 4, 8, 12, 16].includes(size)) this.fail(`a float of ${size} bytes`, at + 8);
    }
  }

  #checkInt(at: number): void {
    const size = this.#word(at + 8);
    const data = this.#word(at + RECORD_SIZE);
    const encoding = data >>> 24;
    const bits = (data & 0xff) + ((data >>> 16) & 0xff);
    if (encoding > 4 || encoding === 3) this.fail(`int encoding ${encoding} is unknown`, at + RECORD_SIZE);
    if (bits > size * 8) this.fail(`${bits} bits in an int of ${size} bytes`, at + RECORD_SIZE);
  }

  #checkEnumSize(at: number, vlen: number): void {
    const size = this.#word(at + 8);
    // clang writes a size of 0 for an enum that is only declared (`enum color;`).
    if (size === 0 && vlen === 0) return;
    if (![1, 2, 4, 8].includes(size)) this.fail(`an enum of ${size} bytes`, at + 8);
  }
}
