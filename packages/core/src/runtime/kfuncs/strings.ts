import { E2BIG, EFAULT, ENOENT, ERANGE } from "../../abi/index.js";
import { readString } from "../read-string.js";
import type { KfuncFamily } from "./definition.js";

/** Characters that are looked at (XATTR_SIZE_MAX). */
const MAX_LENGTH = 65_536;
const U32_MAX = 0xffff_ffff;
/** Nothing of the kernel's lies below. */
const FIRST_ADDRESS = 65_536;

/** Strings that may lie anywhere: memory that isn't there is -EFAULT, one that does not end is -E2BIG. */
export const stringKfuncs: KfuncFamily = (define, { runtime }) => {
  const wide = { wide: true };
  /** A string's bytes without its NUL, or an errno; `limit` characters are looked at. */
  const read = (address: number, register: number, limit = MAX_LENGTH): Uint8Array | number => {
    // The first addresses, and those of the lower half that are beyond the memory, count as user space's.
    const high = runtime.registerHigh(register);
    if (high < 0) return -EFAULT;
    if (high > 0 || address >>> 0 < FIRST_ADDRESS) return -ERANGE;
    const bytes = readString(runtime, address >>> 0, limit + 1);
    return bytes === undefined ? -EFAULT : bytes;
  };
  const ended = (bytes: Uint8Array | number): Uint8Array | number =>
    typeof bytes !== "number" && bytes.length >= MAX_LENGTH ? -E2BIG : bytes;
  const both = (first: number, second: number, work: (first: Uint8Array, second: Uint8Array) => number): number => {
    const a = ended(read(first, 1));
    if (typeof a === "number") return a;
    const b = ended(read(second, 2));
    return typeof b === "number" ? b : work(a, b);
  };
  const one = (address: number, work: (bytes: Uint8Array) => number, limit?: number): number => {
    const bytes = limit === undefined ? ended(read(address, 1)) : read(address, 1, limit);
    return typeof bytes === "number" ? bytes : work(bytes);
  };
  const found = (index: number) => (index < 0 ? -ENOENT : index);
  const indexOf = (bytes: Uint8Array, character: number) => {
    const wanted = character & 0xff;
    return found(wanted === 0 ? bytes.length : bytes.indexOf(wanted));
  };
  define("bpf_strlen", "int", (text) => one(text, (bytes) => bytes.length), wide);
  define(
    "bpf_strnlen",
    "int",
    (text, count) => one(text, (bytes) => Math.min(bytes.length, count >>> 0), bounded(count)),
    wide,
  );
  define("bpf_strchr", "int", (text, character) => one(text, (bytes) => indexOf(bytes, character)), wide);
  define(
    "bpf_strnchr",
    "int",
    (text, count, character) => {
      const limit = bounded(count);
      return one(
        text,
        (bytes) => {
          const within = bytes.subarray(0, limit);
          // The NUL itself is looked at only where it is within the count.
          if ((character & 0xff) === 0) return bytes.length < limit ? bytes.length : -ENOENT;
          return found(within.indexOf(character & 0xff));
        },
        limit,
      );
    },
    wide,
  );
  define(
    "bpf_strchrnul",
    "int",
    (text, character) =>
      one(text, (bytes) => {
        const index = bytes.indexOf(character & 0xff);
        return index < 0 ? bytes.length : index;
      }),
    wide,
  );
  define(
    "bpf_strrchr",
    "int",
    (text, character) =>
      one(text, (bytes) => {
        return (character & 0xff) === 0 ? bytes.length : found(bytes.lastIndexOf(character & 0xff));
      }),
    wide,
  );
  define("bpf_strspn", "int", (text, accepted) => both(text, accepted, (a, b) => span(a, b, true)), wide);
  define("bpf_strcspn", "int", (text, rejected) => both(text, rejected, (a, b) => span(a, b, false)), wide);
  define("bpf_strcmp", "int", (first, second) => both(first, second, (a, b) => compare(a, b, (byte) => byte)), wide);
  define("bpf_strcasecmp", "int", (first, second) => both(first, second, (a, b) => compare(a, b, lower)), wide);
  define("bpf_strstr", "int", (text, wanted) => both(text, wanted, (a, b) => found(search(a, b))), wide);
  define(
    "bpf_strnstr",
    "int",
    (text, wanted, count) => {
      return both(text, wanted, (a, b) => found(search(a.subarray(0, count >>> 0), b)));
    },
    wide,
  );

  function bounded(count: number): number {
    return Math.min(count >>> 0, U32_MAX, MAX_LENGTH);
  }
};

function span(bytes: Uint8Array, set: Uint8Array, wanted: boolean): number {
  const index = bytes.findIndex((byte) => set.includes(byte) !== wanted);
  return index < 0 ? bytes.length : index;
}

function compare(a: Uint8Array, b: Uint8Array, fold: (byte: number) => number): number {
  for (let at = 0; ; at++) {
    const [left, right] = [fold(a[at] ?? 0), fold(b[at] ?? 0)];
    if (left !== right) return left < right ? -1 : 1;
    if (left === 0) return 0;
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

function search(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
