import { ByteReader, ByteWriter } from "../base/index.js";
import type { Btf } from "./btf.js";
import type { BtfStrings } from "./encode.js";
import { BTF_MAGIC } from "./format.js";
import type { TypeId } from "./types.js";

/** Names the func at an instruction (`bpf_func_info`). */
export interface FuncInfo {
  /** Bytes from the start of the ELF section. */
  readonly offset: number;
  /** The BTF func. */
  readonly typeId: TypeId;
}

/** Gives the source of the instructions from `offset` on (`bpf_line_info`). */
export interface LineInfo {
  /** Bytes from the start of the ELF section. */
  readonly offset: number;
  readonly file: string;
  /** The line's text; empty where the compiler left it out. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 where unknown. */
  readonly column: number;
}

/** A CO-RE relocation record (`bpf_core_relo`). */
export interface CoreRelocationInfo {
  /** Bytes from the start of the ELF section. */
  readonly offset: number;
  /** Root type in the object's BTF. */
  readonly typeId: TypeId;
  /** Path from the root: indices with colons between. */
  readonly access: string;
  /** Number of the kind (`enum bpf_core_relo_kind`), 0 to 12. */
  readonly kind: number;
}

/** .BTF.ext: what belongs to instructions, by ELF section and in the order of the file. */
export interface BtfExt {
  readonly functions: ReadonlyMap<string, readonly FuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly LineInfo[]>;
  readonly coreRelocations: ReadonlyMap<string, readonly CoreRelocationInfo[]>;
}

/** Bytes of a record that this reader and writer know; records may be longer, the rest is skipped. */
const FUNC_INFO_SIZE = 8;
const LINE_INFO_SIZE = 16;
const CORE_RELOCATION_SIZE = 16;
const SHORT_HEADER_SIZE = 24;
const HEADER_SIZE = 32;
const CORE_KINDS = 13;

/**
 * Reads .BTF.ext. Its strings and type ids are those of `btf`, the object's .BTF.
 *
 * @throws FormatError
 * @see https://docs.kernel.org/bpf/btf.html#btf-ext-section
 */
export function parseBtfExt(bytes: Uint8Array, btf: Btf, options: { section?: string | undefined } = {}): BtfExt {
  const { section = ".BTF.ext" } = options;
  const reader = new ByteReader(bytes, { littleEndian: bytes[0] !== BTF_MAGIC >> 8, section });
  const magic = reader.u16();
  if (magic !== BTF_MAGIC) reader.fail(`not .BTF.ext: the magic number is 0x${magic.toString(16)}`, 0);
  const version = reader.u8();
  if (version !== 1) reader.fail(`.BTF.ext version ${version} is unknown`, 2);
  reader.skip(1);
  const headerSize = reader.u32();
  if (headerSize < SHORT_HEADER_SIZE || headerSize > bytes.length) reader.fail(`a header of ${headerSize} bytes`, 4);
  const parts = new Parts(reader, headerSize, btf);
  const functions = parts.read(8, FUNC_INFO_SIZE, (offset) => ({ offset, typeId: parts.typeId() }));
  const lines = parts.read(16, LINE_INFO_SIZE, (offset) => {
    const file = parts.string();
    const text = parts.string();
    const position = reader.u32();
    return { offset, file, text, line: position >>> 10, column: position & 0x3ff };
  });
  if (headerSize < HEADER_SIZE) return { functions, lines, coreRelocations: new Map() };
  const coreRelocations = parts.read(24, CORE_RELOCATION_SIZE, (offset) => {
    const typeId = parts.typeId();
    const access = parts.string();
    const kind = reader.u32();
    if (kind >= CORE_KINDS) reader.fail(`CO-RE relocation kind ${kind} is unknown`, reader.position - 4);
    return { offset, typeId, access, kind };
  });
  return { functions, lines, coreRelocations };
}

/** Reads the three parts, which are alike but for their records. */
class Parts {
  readonly #reader: ByteReader;
  readonly #headerSize: number;
  readonly #btf: Btf;

  constructor(reader: ByteReader, headerSize: number, btf: Btf) {
    this.#reader = reader;
    this.#headerSize = headerSize;
    this.#btf = btf;
  }

  string(): string {
    const { strings } = this.#btf.records;
    const offset = this.#reader.u32();
    if (offset >= strings.end) this.#reader.fail(`there is no string at ${offset}`, this.#reader.position - 4);
    return strings.get(offset);
  }

  typeId(): TypeId {
    const id = this.#reader.u32();
    if (id >= this.#btf.length) this.#reader.fail(`type ${id} does not exist`, this.#reader.position - 4);
    return id;
  }

  /** The part whose offset and length stand at `field` of the header. `record` reads what follows the byte offset. */
  read<T>(field: number, size: number, record: (offset: number) => T): Map<string, T[]> {
    const reader = this.#reader.seek(field);
    const start = this.#headerSize + reader.u32();
    const length = reader.u32();
    const end = start + length;
    if (end > reader.length) reader.fail("a part reaches beyond the end", field);
    const sections = new Map<string, T[]>();
    if (length === 0) return sections;
    reader.seek(start);
    const recordSize = reader.u32();
    if (recordSize < size || recordSize % 4 !== 0) reader.fail(`records of ${recordSize} bytes`, start);
    while (reader.position < end) this.#section(sections, recordSize, end, record);
    return sections;
  }

  #section<T>(sections: Map<string, T[]>, recordSize: number, end: number, record: (offset: number) => T): void {
    const reader = this.#reader;
    const name = this.string();
    const at = reader.position;
    const count = reader.u32();
    if (count === 0) reader.fail(`no records for section "${name}"`, at);
    const first = reader.position;
    if (first + count * recordSize > end) reader.fail(`${count} records reach beyond the part's end`, at);
    const records = sections.get(name) ?? [];
    sections.set(name, records);
    for (let i = 0; i < count; i++) {
      reader.seek(first + i * recordSize);
      records.push(record(reader.u32()));
    }
    reader.seek(first + count * recordSize);
  }
}

/**
 * Writes .BTF.ext. Its strings go to `strings`, which has to be given to `encodeBtf` afterwards.
 *
 * @throws BpfError `"BTF_RANGE"` for a string with a NUL.
 */
export function encodeBtfExt(
  ext: BtfExt,
  strings: BtfStrings,
  options: { readonly littleEndian?: boolean | undefined } = {},
): Uint8Array<ArrayBuffer> {
  const { littleEndian = true } = options;
  const part = <T>(
    sections: ReadonlyMap<string, readonly T[]>,
    size: number,
    record: (out: ByteWriter, r: T) => void,
  ) => {
    const out = new ByteWriter({ littleEndian });
    if (sections.size > 0) out.u32(size);
    for (const [name, records] of sections) {
      if (records.length === 0) continue;
      out.u32(strings.add(name)).u32(records.length);
      for (const each of records) record(out, each);
    }
    return out.finish();
  };
  const functions = part(ext.functions, FUNC_INFO_SIZE, (out, { offset, typeId }) => out.u32(offset).u32(typeId));
  const lines = part(ext.lines, LINE_INFO_SIZE, (out, { offset, file, text, line, column }) =>
    out.u32(offset).u32(strings.add(file)).u32(strings.add(text)).u32(packPosition(line, column)),
  );
  const relocations = part(ext.coreRelocations, CORE_RELOCATION_SIZE, (out, { offset, typeId, access, kind }) =>
    out.u32(offset).u32(typeId).u32(strings.add(access)).u32(kind),
  );
  const out = new ByteWriter({ littleEndian }).u16(BTF_MAGIC).u8(1).u8(0).u32(HEADER_SIZE);
  let at = 0;
  for (const bytes of [functions, lines, relocations]) {
    out.u32(at).u32(bytes.length);
    at += bytes.length;
  }
  return out.raw(functions).raw(lines).raw(relocations).finish();
}

/** Line and column as line records hold them: 22 and 10 bits. What doesn't fit is 0, unknown. */
export function packPosition(line: number, column: number): number {
  return (line < 2 ** 22 ? line * 1024 : 0) + (column < 1024 ? column : 0);
}
