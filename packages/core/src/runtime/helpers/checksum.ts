import { EACCES, EFAULT, EINVAL, ENOTSUPP } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const FIELD_SIZE = 0xf;
const BPF_F_PSEUDO_HDR = 1 << 4;
const BPF_F_MARK_MANGLED_0 = 1 << 5;
const BPF_F_MARK_ENFORCE = 1 << 6;
const BPF_F_IPV6 = 1 << 7;
const L4_FLAGS = FIELD_SIZE | BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_IPV6;
const CSUM_MANGLED_0 = 0xffff;
const LEVEL_QUERY = 0;
const LEVEL_INC = 1;
const LEVEL_DEC = 2;
const LEVEL_RESET = 3;
const MAX_LEVEL = 3;

/** Sums are of little-endian words, as the kernel's are on this platform, and swap their bytes with the data's. */
export const checksumHelpers: HelperFamily = (define, { runtime }) => {
  define("csum_diff", "uint", (from, fromSize, to, toSize, seed) => {
    const { u8 } = runtime.memory;
    const added = partial(u8, to >>> 0, toSize, fromSize > 0 && toSize === 0 ? not32(seed >>> 0) : seed >>> 0);
    if (fromSize === 0) return fold(added);
    // With nothing to add, the removed bytes are summed on top of the complement.
    if (toSize === 0) return fold(not32(partial(u8, from >>> 0, fromSize, added)));
    return fold(add(added, not32(partial(u8, from >>> 0, fromSize, 0))));
  });
  const replace = (offset: number, from: number, to: number, flags: number, known: number) => {
    if (!isNarrow(runtime, 5) || (flags & ~known) !== 0) return -EINVAL;
    const skb = skbContext(runtime);
    if (offset >>> 0 > 0xffff || offset & 1 || offset + 2 > skb.length) return -EFAULT;
    const at = skb.packetStart + offset;
    const sum = runtime.memory.view.getUint16(at, true);
    if (flags & BPF_F_MARK_MANGLED_0 && !(flags & BPF_F_MARK_ENFORCE) && sum === 0) return 0;
    const replaced = replaceInSum(sum, from, to, flags & FIELD_SIZE, runtime.registerHigh(3));
    if (replaced === undefined) return -EINVAL;
    runtime.memory.view.setUint16(at, flags & BPF_F_MARK_MANGLED_0 && replaced === 0 ? CSUM_MANGLED_0 : replaced, true);
    return 0;
  };
  const wide = { wide: true };
  define("l3_csum_replace", "int", (_ctx, at, from, to, flags) => replace(at, from, to, flags, FIELD_SIZE), wide);
  define("l4_csum_replace", "int", (_ctx, at, from, to, flags) => replace(at, from, to, flags, L4_FLAGS), wide);
  // Packets here never come with a device's sum over all of their bytes, which this would adjust.
  define("csum_update", "int", () => -ENOTSUPP);
  define("csum_level", "int", (_ctx, level) => (isNarrow(runtime, 2) ? changeLevel(runtime, level) : -EINVAL), wide);
};

function add(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffff_ffff ? (sum + 1) >>> 0 : sum;
}

function not32(value: number): number {
  return ~value >>> 0;
}

/** Folds 32 bits to 16, end-around carry included, without the complement. */
function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** Adds bytes to a sum as little-endian words; the last one may be short. */
function partial(bytes: Uint8Array, at: number, size: number, sum: number): number {
  let total = sum;
  const end = at + size;
  let word = at;
  for (; word + 4 <= end; word += 4) {
    total = add(
      total,
      (bytes[word]! | (bytes[word + 1]! << 8) | (bytes[word + 2]! << 16) | (bytes[word + 3]! << 24)) >>> 0,
    );
  }
  for (let shift = 0; word < end; word++, shift += 8) total = add(total, bytes[word]! << shift);
  return total;
}

/** The checksum after a field of `size` bytes changed; with size 0, `to` is a difference made by bpf_csum_diff(). */
function replaceInSum(sum: number, from: number, to: number, size: number, fromHigh: number): number | undefined {
  const complement = not32(sum);
  switch (size) {
    case 0:
      return from === 0 && fromHigh === 0 ? ~fold(add(to >>> 0, complement)) & 0xffff : undefined;
    case 2:
      return ~fold(add(add(complement, not32(from & 0xffff)), to & 0xffff)) & 0xffff;
    case 4:
      return ~fold(add(add(complement, not32(from >>> 0)), to >>> 0)) & 0xffff;
    default:
      return undefined;
  }
}

function changeLevel(runtime: Runtime, level: number): number {
  const skb = skbContext(runtime);
  switch (level) {
    case LEVEL_QUERY:
      return skb.checksumVerified ? skb.checksumLevel : -EACCES;
    case LEVEL_INC:
      if (!skb.checksumVerified) skb.checksumVerified = true;
      else if (skb.checksumLevel < MAX_LEVEL) skb.checksumLevel++;
      return 0;
    case LEVEL_DEC:
      if (skb.checksumLevel > 0) skb.checksumLevel--;
      else skb.checksumVerified = false;
      return 0;
    case LEVEL_RESET:
      skb.checksumVerified = false;
      skb.checksumLevel = 0;
      return 0;
    default:
      return -EINVAL;
  }
}
