import { ByteReader } from "../base/index.js";
import { BTF_MAGIC, HEADER_SIZE } from "./format.js";

export interface BtfHeader {
  readonly littleEndian: boolean;
  /** Start of the type records, in bytes from the start of the section. */
  readonly typeOffset: number;
  readonly typeLength: number;
  readonly stringOffset: number;
  readonly stringLength: number;
}

/**
 * Reads the header and places both parts within `bytes`. The byte order is that of the magic number.
 *
 * @throws FormatError
 */
export function parseHeader(bytes: Uint8Array, section: string): BtfHeader {
  const littleEndian = bytes[0] !== BTF_MAGIC >> 8;
  const reader = new ByteReader(bytes, { littleEndian, section });
  const magic = reader.u16();
  if (magic !== BTF_MAGIC) reader.fail(`not BTF: the magic number is 0x${magic.toString(16)}`, 0);
  const version = reader.u8();
  if (version !== 1) reader.fail(`BTF version ${version} is unknown`, 2);
  const flags = reader.u8();
  if (flags !== 0) reader.fail(`BTF flags 0x${flags.toString(16)} are unknown`, 3);
  const length = reader.u32();
  if (length < HEADER_SIZE || length > bytes.length) reader.fail(`a header of ${length} bytes`, 4);
  const [typeStart, typeLength, stringStart, stringLength] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const typeOffset = length + typeStart;
  const stringOffset = length + stringStart;
  if (typeStart % 4 !== 0) reader.fail(`type records at ${typeStart}, which is no multiple of 4`, 8);
  if (typeOffset + typeLength > bytes.length) reader.fail("type records reach beyond the end", 12);
  if (stringOffset + stringLength > bytes.length) reader.fail("strings reach beyond the end", 20);
  if (stringStart < typeStart + typeLength) reader.fail("strings overlap type records", 16);
  return { littleEndian, typeOffset, typeLength, stringOffset, stringLength };
}
