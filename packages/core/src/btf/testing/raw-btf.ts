import { ByteWriter } from "../../base/index.js";
import { btfKinds } from "../types.js";

/** The info word of a record. */
export function info(kind: (typeof btfKinds)[number], vlen = 0, flag = false): number {
  return (((flag ? 1 : 0) << 31) | (btfKinds.indexOf(kind) << 24) | vlen) >>> 0;
}

export interface RawBtf {
  /** Words of the type records; wrong ones too. */
  readonly words: readonly number[];
  /** Text of the string part, NULs included. */
  readonly strings?: string;
  readonly littleEndian?: boolean;
}

/** A .BTF section of words as given, so that tests can write what no writer would. */
export function rawBtf({ words, strings = "\0", littleEndian = true }: RawBtf): Uint8Array {
  const text = new TextEncoder().encode(strings);
  const writer = new ByteWriter({ littleEndian }).u16(0xeb9f).u8(1).u8(0).u32(24);
  writer
    .u32(0)
    .u32(words.length * 4)
    .u32(words.length * 4)
    .u32(text.length);
  for (const word of words) writer.u32(word >>> 0);
  return writer.raw(text).finish();
}
