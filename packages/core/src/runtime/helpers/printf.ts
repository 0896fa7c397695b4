import { EINVAL } from "../../abi/index.js";
import { decodeText } from "../../base/index.js";
import { readString } from "../read-string.js";
import type { Runtime } from "../runtime.js";

/** Characters that one call prints at most, the terminating NUL included (MAX_BPRINTF_BUF). */
export const MAX_PRINT = 1024;
/** A conversion as the kernel's format strings for BPF may have it. */
interface Conversion {
  readonly leftAligned: boolean;
  readonly zeroPadded: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly width: number;
  /** The letters after flags, width and length: `d`, `p`, `pI4` ... */
  readonly kind: string;
  /** 64 bits wide rather than 32, for integers. */
  readonly long: boolean;
}

/** Where the arguments of a print come from. */
export type Arguments = (index: number) => bigint;

/**
 * Formats as bpf_trace_printk() and bpf_snprintf() do: the kernel's own checks of the format string first (an unknown
 * conversion, a character that isn't printable ASCII, an argument too few is -EINVAL), then its vsnprintf().
 *
 * @param format the bytes of the format string, without its NUL.
 * @returns the text, or a negative errno.
 */
export function formatPrint(
  runtime: Runtime,
  format: Uint8Array,
  argumentCount: number,
  args: Arguments,
): string | number {
  const text = decodeText(format);
  const parts: string[] = [];
  let used = 0;
  for (let at = 0; at < text.length; ) {
    const char = text[at]!;
    if (!isPlain(char)) return -EINVAL;
    if (char !== "%") {
      parts.push(char);
      at++;
      continue;
    }
    if (text[at + 1] === "%") {
      parts.push("%");
      at += 2;
      continue;
    }
    if (used >= argumentCount) return -EINVAL;
    const parsed = parseConversion(text, at + 1);
    if (parsed === undefined) return -EINVAL;
    parts.push(pad(convert(runtime, parsed.conversion, args(used++)), parsed.conversion));
    at = parsed.end;
  }
  return parts.join("");
}

function isPlain(char: string): boolean {
  return (char >= " " && char <= "~") || (char >= "\t" && char <= "\r");
}

function isEndOrPunctuation(char: string | undefined): boolean {
  return char === undefined || (isPlain(char) && !isAlphanumeric(char));
}

function isAlphanumeric(char: string | undefined): boolean {
  return char !== undefined && /^[0-9A-Za-z]$/.test(char);
}

function parseConversion(text: string, start: number): { conversion: Conversion; end: number } | undefined {
  const flags = /^[-+ 0]*/.exec(text.slice(start))![0];
  const width = /^[1-9]?[0-9]*/.exec(text.slice(start + flags.length))![0];
  const kindAt = start + flags.length + width.length;
  const found = text[kindAt] === "p" ? pointerKind(text, kindAt) : plainKind(text, kindAt);
  if (found === undefined) return undefined;
  const conversion = {
    leftAligned: flags.includes("-"),
    zeroPadded: flags.includes("0") && !flags.includes("-"),
    plus: flags.includes("+"),
    space: flags.includes(" "),
    width: Number(width),
    kind: found.kind,
    long: found.long,
  };
  return { conversion, end: found.end };
}

interface Kind {
  readonly kind: string;
  readonly long: boolean;
  readonly end: number;
}

/** `%p` and what may follow: K, x, s, S, B, ks, us, i4, I4, i6, I6. Letters behind an accepted one are swallowed. */
function pointerKind(text: string, at: number): Kind | undefined {
  const next = text[at + 1];
  if (isEndOrPunctuation(next)) return { kind: "p", long: true, end: at + 1 };
  if ((next === "k" || next === "u") && text[at + 2] === "s") {
    return isEndOrPunctuation(text[at + 3]) ? { kind: "s", long: true, end: at + 3 } : undefined;
  }
  const kind = "KxsSB".includes(next!)
    ? `p${next}`
    : /^[iI][46]$/.test(text.slice(at + 1, at + 3))
      ? `p${text.slice(at + 1, at + 3)}`
      : undefined;
  if (kind === undefined) return undefined;
  let end = at + kind.length;
  while (isAlphanumeric(text[end])) end++;
  return { kind, long: true, end };
}

function plainKind(text: string, at: number): Kind | undefined {
  if (text[at] === "s") return isEndOrPunctuation(text[at + 1]) ? { kind: "s", long: true, end: at + 1 } : undefined;
  if (text[at] === "c") return { kind: "c", long: false, end: at + 1 };
  const length = /^l{0,2}/.exec(text.slice(at))![0].length;
  const kind = text[at + length];
  if (kind === undefined || !"diuxX".includes(kind)) return undefined;
  return { kind, long: length > 0, end: at + length + 1 };
}

function convert(runtime: Runtime, conversion: Conversion, value: bigint): string {
  const bits = conversion.long ? 64 : 32;
  switch (conversion.kind) {
    case "d":
    case "i":
      return signed(BigInt.asIntN(bits, value), conversion);
    case "u":
      return BigInt.asUintN(bits, value).toString();
    case "x":
      return BigInt.asUintN(bits, value).toString(16);
    case "X":
      return BigInt.asUintN(bits, value).toString(16).toUpperCase();
    case "c":
      return String.fromCharCode(Number(value & 0xffn));
    case "s":
      return stringAt(runtime, value);
    case "pi4":
    case "pI4":
      return ipv4At(runtime, value, conversion.kind === "pi4");
    case "pi6":
    case "pI6":
      return ipv6At(runtime, value, conversion.kind === "pI6" ? ":" : "");
    case "ps":
    case "pS":
    case "pB":
      // No symbol lies at an address of linear memory.
      return `0x${BigInt.asUintN(64, value).toString(16)}`;
    case "px":
      return BigInt.asUintN(64, value).toString(16);
    default:
      return hashedPointer(BigInt.asUintN(64, value));
  }
}

function signed(value: bigint, { plus, space }: Conversion): string {
  if (value < 0n) return value.toString();
  return `${plus ? "+" : space ? " " : ""}${value}`;
}

/** Pointers are printed as something that is the same for the same pointer, and says nothing of it. */
function hashedPointer(value: bigint): string {
  if (value === 0n) return "0";
  let hash = 0x811c9dc5;
  for (let rest = value; rest > 0n; rest >>= 8n) hash = Math.imul(hash ^ Number(rest & 0xffn), 0x01000193) >>> 0;
  return hash.toString(16);
}

function pad(text: string, { leftAligned, zeroPadded, width, kind }: Conversion): string {
  // What a pointer leads to was formatted before the width is looked at.
  if (/^p[iI]/.test(kind)) return text;
  const isPointer = kind === "p" || kind === "px" || kind === "pK";
  if (isPointer && width === 0) return text.padStart(16, "0");
  if (text.length >= width) return text;
  if (leftAligned) return text.padEnd(width);
  if (!zeroPadded || !(isPointer || "diuxX".includes(kind))) return text.padStart(width);
  const sign = /^[-+ ]?/.exec(text)![0];
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

/** The string at an address, empty where it cannot be read. */
function stringAt(runtime: Runtime, address: bigint): string {
  if (address > 0xffff_ffffn) return "";
  return decodeText(readString(runtime, Number(address), MAX_PRINT - 1) ?? new Uint8Array(0));
}

/** Bytes at an address; zeros where they cannot be read. */
function bytesAt(runtime: Runtime, address: bigint, length: number): Uint8Array {
  const at = Number(BigInt.asUintN(32, address));
  const readable = address <= 0xffff_ffffn && runtime.accessible(at, length, false);
  return readable ? runtime.memory.copy(at, length) : new Uint8Array(length);
}

function ipv4At(runtime: Runtime, address: bigint, leadingZeros: boolean): string {
  return Array.from(bytesAt(runtime, address, 4), (byte) => String(byte).padStart(leadingZeros ? 3 : 1, "0")).join(".");
}

function ipv6At(runtime: Runtime, address: bigint, separator: string): string {
  const bytes = bytesAt(runtime, address, 16);
  const hex = (at: number) => bytes[at]!.toString(16).padStart(2, "0");
  return Array.from({ length: 8 }, (_, group) => hex(group * 2) + hex(group * 2 + 1)).join(separator);
}
