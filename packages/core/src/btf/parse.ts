import { FormatError } from "../base/index.js";
import { Btf } from "./btf.js";
import { parseHeader } from "./header.js";
import { Records } from "./records.js";
import { scanRecords } from "./scan.js";
import { checkSoundness } from "./soundness.js";
import { StringTable } from "./strings.js";

/** Choices for `parseBtf`. */
export interface ParseBtfOptions {
  /** What a split BTF builds upon: vmlinux's for that of a module. */
  readonly base?: Btf | undefined;
  /** Name that errors give the bytes; `".BTF"` unless told. */
  readonly section?: string | undefined;
}

/**
 * Reads BTF of either byte order: a .BTF section or a file of /sys/kernel/btf. The bytes are kept and must not change.
 *
 * @throws FormatError for anything that cannot be a type graph, circles and sizes beyond 2^32 included.
 * @see https://docs.kernel.org/bpf/btf.html
 */
export function parseBtf(bytes: Uint8Array, options: ParseBtfOptions = {}): Btf {
  const { base, section = ".BTF" } = options;
  const header = parseHeader(bytes, section);
  const { stringOffset, stringLength } = header;
  const text = bytes.subarray(stringOffset, stringOffset + stringLength);
  const fail = (message: string, offset: number) => {
    throw new FormatError(message, { section, offset });
  };
  if (stringLength === 0 && base === undefined) fail("no strings, not even the empty one", stringOffset);
  if (stringLength > 0 && text.at(-1) !== 0) fail("the last string has no end", stringOffset + stringLength - 1);
  if (base === undefined && text[0] !== 0) fail("the first string isn't empty", stringOffset);
  const strings = new StringTable(text, base?.records.strings);
  const scan = scanRecords(bytes, header, strings, base?.length ?? 1, section);
  const { littleEndian } = header;
  const records = new Records({ section, bytes, littleEndian, strings, base: base?.records, ...scan });
  checkSoundness(records);
  return new Btf(records, base);
}
