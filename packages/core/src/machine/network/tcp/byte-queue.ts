/** Bytes that wait, in the pieces that they came in. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are gone. */
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The piece is kept, not copied. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** A copy of `length` bytes from `offset` on; both within what is there. */
  copy(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let skip = this.#offset + offset;
    let filled = 0;
    for (const piece of this.#pieces) {
      if (skip >= piece.length) {
        skip -= piece.length;
        continue;
      }
      const part = piece.subarray(skip, skip + length - filled);
      bytes.set(part, filled);
      filled += part.length;
      skip = 0;
      if (filled === length) break;
    }
    return bytes;
  }

  /** Takes the first `length` bytes out. */
  take(length: number): Uint8Array {
    const bytes = this.copy(0, length);
    this.drop(length);
    return bytes;
  }

  /** Takes the first piece out, or undefined where there is none. */
  takePiece(): Uint8Array | undefined {
    const piece = this.#pieces[0];
    return piece === undefined ? undefined : this.take(piece.length - this.#offset);
  }

  drop(length: number): void {
    this.#length -= length;
    let at = this.#offset + length;
    let whole = 0;
    while (whole < this.#pieces.length && at >= this.#pieces[whole]!.length) at -= this.#pieces[whole++]!.length;
    this.#pieces.splice(0, whole);
    this.#offset = at;
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#offset = 0;
    this.#length = 0;
  }
}
