import { FormatError } from "./errors.js";
import { decodeText, encodeText } from "./text.js";

/**
 * A cursor over bytes that never reads past their end: every short read is a {@link FormatError} with the section and
 * the byte offset within it.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly section: string | undefined;
  /** Next byte to read, from the start of {@link bytes}. */
  position = 0;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, options: { littleEndian?: boolean; section?: string | undefined } = {}) {
    this.bytes = bytes;
    this.littleEndian = options.littleEndian ?? true;
    this.section = options.section;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  seek(position: number): this {
    if (!(position >= 0 && position <= this.bytes.length)) this.fail(`offset ${position} is outside of the data`);
    this.position = position;
    return this;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), this.littleEndian);
  }

  i16(): number {
    return this.#view.getInt16(this.#advance(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), this.littleEndian);
  }

  /** A u64 that has to be an offset or a size: above 2^53 it is a FormatError rather than a rounded number. */
  size64(what: string): number {
    const at = this.position;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${what} ${value} is out of range`, at);
    return Number(value);
  }

  /** `length` bytes as a view (not a copy) of the input. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): this {
    this.#advance(length);
    return this;
  }

  /** Bytes up to a NUL, which is consumed, as UTF-8. */
  cstring(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) this.fail("string without an end");
    const text = decodeText(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }

  fail(message: string, offset: number = this.position): never {
    throw new FormatError(message, { section: this.section, offset });
  }

  #advance(length: number): number {
    const at = this.position;
    if (!(length >= 0 && at + length <= this.bytes.length)) {
      this.fail(`needs ${length} bytes, ${this.bytes.length - at} are left`);
    }
    this.position = at + length;
    return at;
  }
}

/** Bytes written one after the other into a buffer that grows. */
export class ByteWriter {
  readonly littleEndian: boolean;
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(options: { littleEndian?: boolean; capacity?: number } = {}) {
    this.littleEndian = options.littleEndian ?? true;
    this.#bytes = new Uint8Array(Math.max(16, options.capacity ?? 256));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, this.littleEndian);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, this.littleEndian);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, this.littleEndian);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** UTF-8 with a terminating NUL. */
  cstring(text: string): this {
    return this.raw(encodeText(text)).u8(0);
  }

  /** Zero bytes up to the next multiple of `alignment`. */
  align(alignment: number): this {
    while (this.#length % alignment !== 0) this.u8(0);
    return this;
  }

  /** Overwrites four bytes that were written before. */
  patchU32(offset: number, value: number): this {
    if (offset < 0 || offset + 4 > this.#length) throw new RangeError(`no u32 was written at ${offset}`);
    this.#view.setUint32(offset, value, this.littleEndian);
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room and returns where; it may replace the view, so callers take the view after it. */
  #grow(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}
