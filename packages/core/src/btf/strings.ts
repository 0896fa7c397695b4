import { decodeText } from "../base/index.js";

const UNDERSCORE = 0x5f;

/**
 * The string part of .BTF: NUL-terminated UTF-8 behind each other, named by byte offset. A split BTF's offsets go on
 * where its base's end. Strings are decoded when first asked for.
 */
export class StringTable {
  readonly base: StringTable | undefined;
  readonly bytes: Uint8Array;
  /** First offset of its own; offsets below are the base's. */
  readonly start: number;
  /** First offset beyond its own. */
  readonly end: number;
  readonly #decoded = new Map<number, string>();

  /** `bytes` end with a NUL, or are empty. */
  constructor(bytes: Uint8Array, base?: StringTable) {
    this.bytes = bytes;
    this.base = base;
    this.start = base?.end ?? 0;
    this.end = this.start + bytes.length;
  }

  /** The string at `offset`, which lies below {@link end}. */
  get(offset: number): string {
    if (offset < this.start) return this.base!.get(offset);
    let text = this.#decoded.get(offset);
    if (text === undefined) {
      const at = offset - this.start;
      text = decodeText(this.bytes.subarray(at, this.bytes.indexOf(0, at)));
      this.#decoded.set(offset, text);
    }
    return text;
  }

  /** Hash of the string's essential name, the same as {@link hashName} of it, without decoding it. */
  hash(offset: number): number {
    if (offset < this.start) return this.base!.hash(offset);
    const at = offset - this.start;
    return hashBytes(this.bytes, at, essentialEnd(this.bytes, at, this.bytes.indexOf(0, at)));
  }
}

/** Hash (FNV-1a) of a name's bytes; give it an essential name. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

/** Where the name in `bytes[start, end)` ends when its flavor, a suffix `___text`, is left off. */
export function essentialEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = end - 5; i >= start; i--) {
    if (
      bytes[i + 1] === UNDERSCORE &&
      bytes[i + 2] === UNDERSCORE &&
      bytes[i + 3] === UNDERSCORE &&
      bytes[i] !== UNDERSCORE &&
      bytes[i + 4] !== UNDERSCORE
    ) {
      return i + 1;
    }
  }
  return end;
}

/**
 * A type's name without its flavor: `task_struct` of `task_struct___old`. Objects carry several versions of a kernel's
 * type under one essential name, and CO-RE matches by it.
 *
 * @see https://docs.kernel.org/bpf/libbpf/libbpf_overview.html
 */
export function essentialName(name: string): string {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name.startsWith("___", i + 1) && name[i] !== "_" && name[i + 4] !== "_") return name.slice(0, i + 1);
  }
  return name;
}
