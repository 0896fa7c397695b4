/**
 * Bytes of WebAssembly under construction: a buffer that doubles, with the LEB128 encodings that the format is made of.
 * Generated modules reach tens of megabytes, so every method writes straight into the bytes.
 */
export class CodeBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Unsigned LEB128 of 32 bits; `value` may be given as an i32 or a u32. */
  u32(value: number): void {
    if (this.#length + 5 > this.#bytes.length) this.#grow(5);
    const bytes = this.#bytes;
    let rest = value >>> 0;
    while (rest >= 0x80) {
      bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#length++] = rest;
  }

  /** Signed LEB128 of 32 bits. */
  i32(value: number): void {
    if (this.#length + 5 > this.#bytes.length) this.#grow(5);
    const bytes = this.#bytes;
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    bytes[this.#length++] = rest & 0x7f;
  }

  /** Signed LEB128 of the 64 bits whose halves are `low` and `high`. */
  i64(low: number, high: number): void {
    if (high === low >> 31) {
      this.i32(low);
      return;
    }
    if (this.#length + 10 > this.#bytes.length) this.#grow(10);
    const bytes = this.#bytes;
    let lower = low | 0;
    let upper = high | 0;
    while (upper !== lower >> 31 || lower < -64 || lower > 63) {
      bytes[this.#length++] = (lower & 0x7f) | 0x80;
      lower = (lower >>> 7) | (upper << 25);
      upper >>= 7;
    }
    bytes[this.#length++] = lower & 0x7f;
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A name or other vector of bytes: its length, then the bytes. */
  vector(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  /** What was written, as a view that further writing may invalidate. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(this.#length + needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
