import { decodeText, encodeText, FormatError } from "../base/index.js";
import { sha256 } from "./sha256.js";

const MAGIC = encodeText("TSBPFPIN");
const VERSION = 1;
const DIGEST = 32;
/** Magic, version and length of the text, then the digest of what follows it. */
const HEADER = MAGIC.length + 8 + DIGEST;

/** What a value became that JSON has no word for. */
type Packed = { readonly $bytes: readonly [offset: number, length: number] } | { readonly $integer: string };

/** Puts a tree of values into bytes: JSON, and behind it the byte arrays. Integers of any size stay what they are. */
export function pack(tree: unknown): Uint8Array {
  const blobs: Uint8Array[] = [];
  let length = 0;
  const text = JSON.stringify(tree, (_name, value: unknown): unknown => {
    if (typeof value === "bigint") return { $integer: value.toString() } satisfies Packed;
    if (!(value instanceof Uint8Array)) return value;
    blobs.push(value);
    length += value.length;
    return { $bytes: [length - value.length, value.length] } satisfies Packed;
  });
  const json = encodeText(text);
  const body = concatBytes([json, ...blobs]);
  const numbers = new Uint8Array(8);
  const view = new DataView(numbers.buffer);
  view.setUint32(0, VERSION, true);
  view.setUint32(4, json.length, true);
  return concatBytes([MAGIC, numbers, sha256(body), body]);
}

/** The tree again. @throws FormatError for bytes that {@link pack} did not make, or that were cut or changed since. */
export function unpack(bytes: Uint8Array): unknown {
  if (bytes.length < HEADER || MAGIC.some((byte, at) => bytes[at] !== byte))
    throw new FormatError("these are no pins of a Machine", { offset: 0 });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(MAGIC.length, true);
  if (version !== VERSION)
    throw new FormatError(`pins of version ${version}, not ${VERSION}`, { offset: MAGIC.length });
  const body = bytes.subarray(HEADER);
  const digest = sha256(body);
  if (digest.some((byte, at) => bytes[HEADER - DIGEST + at] !== byte))
    throw new FormatError("the pins were cut or changed since they were saved", { offset: HEADER - DIGEST });
  const length = view.getUint32(MAGIC.length + 4, true);
  const blobs = body.subarray(length);
  try {
    return JSON.parse(decodeText(body.subarray(0, length)), (_name, value: unknown) => revive(value, blobs));
  } catch (cause) {
    throw new FormatError("the pins are malformed", { offset: HEADER }, cause);
  }
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function revive(value: unknown, blobs: Uint8Array): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$integer" in value) return BigInt(value.$integer as string);
  if (!("$bytes" in value)) return value;
  const [offset, length] = value.$bytes as readonly [number, number];
  if (offset + length > blobs.length) throw new RangeError("bytes beyond the end");
  return blobs.slice(offset, offset + length);
}
