import { FormatError } from "../base/index.js";
import { LINKAGES, RECORD_SIZE } from "./format.js";
import type { StringTable } from "./strings.js";
import { type BtfKind, type BtfMember, type BtfType, btfKinds } from "./types.js";

/** Stands in {@link Records.sizes} for a type that has no size: void, fwd, func, func_proto. */
export const NO_SIZE = 0xffffffff;

/** What the columns of {@link Records} are made of. */
export interface RecordColumns {
  readonly section: string;
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly strings: StringTable;
  readonly base: Records | undefined;
  /** Own types' record offsets within `bytes`, the first type's at index 0. */
  readonly offsets: Uint32Array;
  /** Own types' kinds, as numbers. */
  readonly kinds: Uint8Array;
}

/**
 * Type records where they lie in the section, found through one offset a type; a value is made when it is asked for.
 * All methods take ids of the whole graph, base included. Ranges and references were checked by the scan.
 */
export class Records {
  readonly section: string;
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly strings: StringTable;
  readonly base: Records | undefined;
  readonly offsets: Uint32Array;
  readonly kinds: Uint8Array;
  /** First id of its own: 1, or the base's length. */
  readonly firstId: number;
  /** One more than the last id. */
  readonly length: number;
  /** Own types' sizes in bytes, or {@link NO_SIZE}. */
  readonly sizes: Uint32Array;
  /** Own types' alignments in bytes, 1 where there is none. */
  readonly alignments: Uint8Array;
  /** Own types' nesting by value: 0 for a type without components. */
  readonly heights: Uint16Array;
  readonly #view: DataView;

  constructor(columns: RecordColumns) {
    this.section = columns.section;
    this.bytes = columns.bytes;
    this.littleEndian = columns.littleEndian;
    this.strings = columns.strings;
    this.base = columns.base;
    this.offsets = columns.offsets;
    this.kinds = columns.kinds;
    this.firstId = columns.base?.length ?? 1;
    this.length = this.firstId + columns.kinds.length;
    this.sizes = new Uint32Array(columns.kinds.length);
    this.alignments = new Uint8Array(columns.kinds.length);
    this.heights = new Uint16Array(columns.kinds.length);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  kind(id: number): number {
    if (id >= this.firstId) return this.kinds[id - this.firstId]!;
    return this.base === undefined ? 0 : this.base.kind(id);
  }

  size(id: number): number {
    if (id >= this.firstId) return this.sizes[id - this.firstId]!;
    return this.base === undefined ? NO_SIZE : this.base.size(id);
  }

  alignment(id: number): number {
    if (id >= this.firstId) return this.alignments[id - this.firstId]!;
    return this.base === undefined ? 1 : this.base.alignment(id);
  }

  height(id: number): number {
    if (id >= this.firstId) return this.heights[id - this.firstId]!;
    return this.base === undefined ? 0 : this.base.height(id);
  }

  /** Byte offset of an own type's record in the section. */
  offset(id: number): number {
    return this.offsets[id - this.firstId]!;
  }

  /** The n-th 32-bit word of an own type's record: 0 name, 1 info, 2 size or type, from 3 on what the kind adds. */
  word(id: number, n: number): number {
    return this.#view.getUint32(this.offsets[id - this.firstId]! + n * 4, this.littleEndian);
  }

  vlen(id: number): number {
    return this.word(id, 1) & 0xffff;
  }

  /** Offset of the name; 0 for void. */
  nameOffset(id: number): number {
    if (id >= this.firstId) return this.word(id, 0);
    return this.base === undefined ? 0 : this.base.nameOffset(id);
  }

  fail(message: string, id: number): never {
    throw new FormatError(`type ${id}: ${message}`, { section: this.section, offset: this.offset(id) });
  }

  /** Makes the value of an own type. */
  read(id: number): BtfType {
    const kind = btfKinds[this.kinds[id - this.firstId]!]!;
    const flag = this.word(id, 1) >>> 31 === 1;
    const third = this.word(id, 2);
    const name = this.strings.get(this.word(id, 0));
    switch (kind) {
      case "void":
        return { kind };
      case "int":
        return readInt(name, third, this.word(id, 3));
      case "ptr":
        return { kind, type: third };
      case "array":
        return { kind, type: this.word(id, 3), indexType: this.word(id, 4), length: this.word(id, 5) };
      case "struct":
      case "union":
        return { kind, name, size: third, members: this.#members(id, flag) };
      case "enum":
      case "enum64":
        return { kind, name, size: third, signed: flag, values: this.#enumerators(id, kind, flag) };
      case "fwd":
        return { kind, name, of: flag ? "union" : "struct" };
      case "typedef":
      case "volatile":
      case "const":
      case "restrict":
        return { kind, name, type: third };
      case "func":
        return { kind, name, type: third, linkage: LINKAGES[this.vlen(id)]! };
      case "func_proto":
        return { kind, returns: third, params: this.#entries(id, 2, (at) => this.#named(id, at)) };
      case "var":
        return { kind, name, type: third, linkage: LINKAGES[this.word(id, 3)]! };
      case "datasec":
        return { kind, name, size: third, variables: this.#entries(id, 3, (at) => this.#variable(id, at)) };
      case "float":
        return { kind, name, size: third };
      case "decl_tag":
        return { kind, name, type: third, component: this.word(id, 3) | 0, ...attribute(flag) };
      case "type_tag":
        return { kind, name, type: third, ...attribute(flag) };
    }
  }

  #entries<T>(id: number, words: number, read: (word: number) => T): T[] {
    const count = this.vlen(id);
    const entries = new Array<T>(count);
    for (let i = 0; i < count; i++) entries[i] = read(RECORD_SIZE / 4 + i * words);
    return entries;
  }

  #named(id: number, at: number): { name: string; type: number } {
    return { name: this.strings.get(this.word(id, at)), type: this.word(id, at + 1) };
  }

  #members(id: number, flag: boolean): BtfMember[] {
    return this.#entries(id, 3, (at) => {
      const offset = this.word(id, at + 2);
      return {
        name: this.strings.get(this.word(id, at)),
        type: this.word(id, at + 1),
        bitOffset: flag ? offset & 0xffffff : offset,
        bitSize: flag ? offset >>> 24 : 0,
      };
    });
  }

  #enumerators(id: number, kind: BtfKind, signed: boolean): { name: string; value: bigint }[] {
    const words = kind === "enum" ? 2 : 3;
    return this.#entries(id, words, (at) => {
      const low = this.word(id, at + 1);
      const high = words === 3 ? this.word(id, at + 2) : 0;
      return { name: this.strings.get(this.word(id, at)), value: enumerator(low, high, words, signed) };
    });
  }

  #variable(id: number, at: number): { type: number; offset: number; size: number } {
    return { type: this.word(id, at), offset: this.word(id, at + 1), size: this.word(id, at + 2) };
  }
}

function enumerator(low: number, high: number, words: number, signed: boolean): bigint {
  if (words === 2) return BigInt(signed ? low | 0 : low);
  return (BigInt(signed ? high | 0 : high) << 32n) | BigInt(low);
}

function attribute(flag: boolean): { attribute?: true } {
  return flag ? { attribute: true } : {};
}

function readInt(name: string, size: number, data: number): BtfType {
  const encoding = data >>> 24;
  return {
    kind: "int",
    name,
    size,
    encoding: encoding === 1 ? "signed" : encoding === 2 ? "char" : encoding === 4 ? "bool" : "unsigned",
    bitOffset: (data >>> 16) & 0xff,
    bits: data & 0xff,
  };
}
