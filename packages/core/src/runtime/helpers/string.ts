import { EINVAL, ERANGE } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";

/** bpf_strncmp(), bpf_strtol() and bpf_strtoul(). */
export const stringHelpers: HelperFamily = (define, { runtime }) => {
  define("strncmp", "int", (first, size, second) => {
    const bytes = runtime.memory.u8;
    const [a, b] = [first >>> 0, second >>> 0];
    for (let at = 0; at < size; at++) {
      const [left, right] = [bytes[a + at]!, bytes[b + at]!];
      if (left !== right) return left < right ? -1 : 1;
      if (left === 0) return 0;
    }
    return 0;
  });
  define("strtol", "int", (buffer, length, _flags, result) => parseInto(runtime, buffer, length, result, true), {
    wide: true,
  });
  define("strtoul", "int", (buffer, length, _flags, result) => parseInto(runtime, buffer, length, result, false), {
    wide: true,
  });
};

/** Bits of the flags argument that hold the base. */
const BASE_MASK = 0x1f;
/** Characters behind the sign that are looked at; a longer number ends there. */
const MAX_NUMBER = 63;

/** Parses `[space][-][0x]digits` and returns the bytes consumed, or an errno; the number goes to `result`, 8 bytes. */
function parseInto(runtime: Runtime, buffer: number, length: number, result: number, signed: boolean): number {
  const { view } = runtime.memory;
  view.setBigUint64(result >>> 0, 0n, true);
  const bases = runtime.registerLow(3);
  const base = bases & BASE_MASK;
  const flagsAreRight = (bases & ~BASE_MASK) === 0 && runtime.registerHigh(3) === 0;
  if (length <= 0 || !flagsAreRight || ![0, 8, 10, 16].includes(base)) return -EINVAL;
  const bytes = runtime.memory.copy(buffer >>> 0, length);
  let at = 0;
  while (at < length && isSpace(bytes[at]!)) at++;
  const negative = bytes[at] === 0x2d;
  if (negative) at++;
  if (at >= length) return -EINVAL;
  const digits = parseDigits(bytes.subarray(at, at + MAX_NUMBER), base);
  if (digits.value >= 1n << 64n) return -ERANGE;
  if (digits.length === 0 || (negative && !signed)) return -EINVAL;
  if (signed && digits.value >= 1n << 63n && !(negative && digits.value === 1n << 63n)) return -ERANGE;
  view.setBigUint64(result >>> 0, BigInt.asUintN(64, negative ? -digits.value : digits.value), true);
  return at + digits.length;
}

/** Digits in `base`, which 0 leaves to the prefix, as in C. The length is 0 where there are none. */
function parseDigits(bytes: Uint8Array, base: number): { value: bigint; length: number } {
  const isHex = bytes[0] === 0x30 && (bytes[1]! | 0x20) === 0x78;
  const implied = bytes[0] !== 0x30 ? 10 : isHex && digitOf(bytes[2]) < 16 ? 16 : 8;
  const radix = base === 0 ? implied : base;
  const start = radix === 16 && isHex ? 2 : 0;
  let at = start;
  let value = 0n;
  for (; digitOf(bytes[at]) < radix; at++) value = value * BigInt(radix) + BigInt(digitOf(bytes[at]));
  return { value, length: at === start ? 0 : at };
}

function digitOf(byte: number | undefined): number {
  if (byte === undefined) return 99;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 99;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 9 && byte <= 13) || byte === 0xa0;
}
