import { E2BIG, EFAULT, EINVAL } from "../../abi/index.js";
import type { KfuncFamily } from "./definition.js";

/** `struct bpf_iter_bits` on the program's stack: a copy of the words, the number of bits, the bit that was reached. */
const iterator = { words: 0, bits: 8, bit: 12, size: 16 } as const;
const MAX_WORDS = 511;

/** Bits that are set in an array of u64s, one after the other. */
export const bitsKfuncs: KfuncFamily = (define, { runtime }) => {
  define(
    "bpf_iter_bits_new",
    "int",
    (address, from, words) => {
      const at = address >>> 0;
      if (!runtime.accessible(at, iterator.size, true)) runtime.fault("an iterator lies on the stack");
      const { memory } = runtime;
      memory.u8.fill(0, at, at + iterator.size);
      const count = words >>> 0;
      if (from === 0 && runtime.registerHigh(2) === 0) return -EINVAL;
      if (count === 0) return -EINVAL;
      if (count > MAX_WORDS) return -E2BIG;
      if (runtime.registerHigh(2) !== 0 || !runtime.accessible(from >>> 0, count * 8, false)) return -EFAULT;
      const copy = memory.alloc(count * 8);
      memory.u8.copyWithin(copy, from >>> 0, (from >>> 0) + count * 8);
      memory.u32[(at + iterator.words) >>> 2] = copy;
      memory.u32[(at + iterator.bits) >>> 2] = count * 64;
      memory.i32[(at + iterator.bit) >>> 2] = -1;
      return 0;
    },
    { wide: true },
  );
  define("bpf_iter_bits_next", "uint", (address) => {
    const at = address >>> 0;
    const { u32, i32, u8 } = runtime.memory;
    const words = u32[(at + iterator.words) >>> 2]!;
    const bits = u32[(at + iterator.bits) >>> 2]!;
    if (words === 0) return 0;
    for (let bit = i32[(at + iterator.bit) >>> 2]! + 1; bit < bits; bit++) {
      if (((u8[words + (bit >>> 3)]! >>> (bit & 7)) & 1) === 0) continue;
      i32[(at + iterator.bit) >>> 2] = bit;
      return at + iterator.bit;
    }
    i32[(at + iterator.bit) >>> 2] = bits;
    return 0;
  });
  define("bpf_iter_bits_destroy", "int", (address) => {
    const { u32 } = runtime.memory;
    const words = u32[(address + iterator.words) >>> 2]!;
    if (words !== 0) runtime.memory.free(words);
    runtime.memory.u32[(address + iterator.words) >>> 2] = 0;
    return 0;
  });
};
