import type { Runtime } from "./runtime.js";

/** Bytes that a program may write about one element; more is `-EOVERFLOW`. */
const ELEMENT_MAX = 1 << 15;

/** What iterator programs write to (`struct seq_file`). Its address is that of opaque memory that they cannot access. */
export class SeqFile {
  readonly address: number;
  readonly #runtime: Runtime;
  #chunks: Uint8Array[] = [];
  #length = 0;
  #elementStart = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.address = runtime.memory.alloc(16);
  }

  /** What follows is about another element. */
  nextElement(): void {
    this.#elementStart = this.#length;
  }

  /** False where the buffer is full; nothing of `bytes` is written then. */
  write(bytes: Uint8Array): boolean {
    if (this.#length - this.#elementStart + bytes.length > ELEMENT_MAX) return false;
    this.#chunks.push(bytes.slice());
    this.#length += bytes.length;
    return true;
  }

  /** Takes out what was written. */
  take(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    this.#length = 0;
    this.#elementStart = 0;
    return all;
  }

  close(): void {
    this.#runtime.memory.free(this.address);
  }
}
