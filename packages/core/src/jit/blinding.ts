import { NotSupportedError } from "../base/index.js";
import { type FunctionBuilder, i32, i64, type LinearMemory } from "../wasm/index.js";

/** Bytes that `getRandomValues` gives at most. */
const RANDOM_BYTES = 65536;
const KEY_SIZE = 8;

/**
 * Constant blinding: an immediate stands in the code only combined with a key of its own, so that nobody can have code of
 * his choice assembled out of immediates. Keys are random and lie in linear memory, out of every program's reach. An
 * engine's optimiser can't know what a memory holds, so that it doesn't put the constant together again.
 *
 * @see https://docs.kernel.org/admin-guide/sysctl/net.html#bpf-jit-harden
 */
export class Blinding {
  readonly #memory: LinearMemory;
  readonly #keys: number;

  /** Keys for a program of so many slots. @throws NotSupportedError where there is no source of randomness. */
  constructor(memory: LinearMemory, slots: number) {
    const bytes = randomBytes(slots * KEY_SIZE);
    this.#memory = memory;
    this.#keys = memory.allocBytes(bytes, KEY_SIZE);
  }

  /** Pushes the i32 `value`, which belongs to `slot`. */
  push32(f: FunctionBuilder, slot: number, value: number): void {
    f.i32(value ^ this.#low(slot))
      .i32(0)
      .load(i32.load, this.#keyOf(slot))
      .op(i32.xor);
  }

  /** Pushes the i64 with these halves. */
  push64(f: FunctionBuilder, slot: number, low: number, high: number): void {
    f.i64(low ^ this.#low(slot), high ^ this.#memory.i32[(this.#keyOf(slot) + 4) >>> 2]!)
      .i32(0)
      .load(i64.load, this.#keyOf(slot))
      .op(i64.xor);
  }

  free(): void {
    this.#memory.free(this.#keys);
  }

  #keyOf(slot: number): number {
    return this.#keys + slot * KEY_SIZE;
  }

  #low(slot: number): number {
    return this.#memory.i32[this.#keyOf(slot) >>> 2]!;
  }
}

function randomBytes(count: number): Uint8Array {
  const { crypto } = globalThis as { readonly crypto?: { getRandomValues(bytes: Uint8Array): void } };
  if (crypto === undefined) throw new NotSupportedError("crypto", "blinding of constants takes random numbers");
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += RANDOM_BYTES) crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES));
  return bytes;
}
