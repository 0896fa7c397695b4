import { type Btf, encodeValue } from "@tsbpf/core/btf";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";

/** What the bytes are for. */
export interface DataTarget {
  /** `"key"` or `"value"`, for errors. */
  readonly name: string;
  readonly size: number;
  /** Its type, where the map has one. */
  readonly btf: Btf | undefined;
  readonly typeId: number;
}

/**
 * Takes `[hex] BYTES` or `json VALUE`. Bytes are decimal, hexadecimal with 0x, or octal with a leading 0; after `hex`
 * they are hexadecimal without 0x too.
 *
 * @throws UsageError for too few bytes and for what is no byte.
 */
export function takeData(words: Words, target: DataTarget): Uint8Array {
  if (words.peek() === "json") {
    words.next("json");
    return encodeJsonValue(words.next("VALUE"), target);
  }
  const base16 = words.peek() === "hex" && words.take("hex") !== undefined;
  const bytes = new Uint8Array(target.size);
  for (let at = 0; at < target.size; at++) {
    const word = words.peek();
    if (word === undefined || !/^[0-9a-fx]+$/i.test(word)) {
      const got = `${target.name} has ${target.size} bytes, and ${at} came`;
      throw new UsageError(word === undefined ? got : `${got} before '${word}'`);
    }
    words.next("byte");
    bytes[at] = parseByte(word, base16);
  }
  return bytes;
}

function parseByte(word: string, base16: boolean): number {
  const value = /^0x[0-9a-f]{1,2}$/i.test(word)
    ? Number(word)
    : base16 && /^[0-9a-f]{1,2}$/i.test(word)
      ? Number.parseInt(word, 16)
      : !base16 && /^0[0-7]+$/.test(word)
        ? Number.parseInt(word, 8)
        : !base16 && /^\d+$/.test(word)
          ? Number(word)
          : Number.NaN;
  if (value <= 255) return value;
  throw new UsageError(
    `'${word}' is no byte${!base16 && /[a-f]/i.test(word) ? "; write 'hex' before hexadecimal ones" : ""}`,
  );
}

function encodeJsonValue(text: string, { name, size, btf, typeId }: DataTarget): Uint8Array {
  if (btf === undefined || typeId === 0) {
    throw new UsageError(`the map has no BTF for its ${name}, which json needs`, "give the bytes");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is no JSON: ${(error as Error).message}`);
  }
  const bytes = new Uint8Array(size);
  bytes.set(encodeValue(btf, typeId, value as never).subarray(0, size));
  return bytes;
}
