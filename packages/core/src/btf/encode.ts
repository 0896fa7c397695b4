import { BpfError, ByteWriter, encodeText } from "../base/index.js";
import type { Btf } from "./btf.js";
import { BTF_MAGIC, HEADER_SIZE, KIND, LINKAGES } from "./format.js";
import { parseBtf } from "./parse.js";
import type { BtfEnum, BtfMember, BtfType, TypeId } from "./types.js";

const MAX_VLEN = 0xffff;
const INT_ENCODINGS = { unsigned: 0, signed: 1, char: 2, bool: 4 } as const;

/** Strings of a BTF being written, each kept once. Shared by .BTF and .BTF.ext, and by line records for a kernel. */
export class BtfStrings {
  readonly #start: number;
  readonly #offsets = new Map<string, number>();
  readonly #writer = new ByteWriter({ capacity: 4096 });

  /** With a `base`, offsets go on where its strings end, as in split BTF. */
  constructor(base?: Btf) {
    this.#start = base?.records.strings.end ?? 0;
    if (base === undefined) this.#writer.u8(0);
  }

  /**
   * Offset of `text`, which is added unless it is there.
   *
   * @throws BpfError `"BTF_RANGE"` for a text with a NUL in it.
   */
  add(text: string): number {
    if (text === "") return 0;
    let offset = this.#offsets.get(text);
    if (offset === undefined) {
      if (text.includes("\0")) outOfRange("a BTF string has a NUL in it", { text });
      offset = this.#start + this.#writer.length;
      this.#writer.raw(encodeText(text)).u8(0);
      this.#offsets.set(text, offset);
    }
    return offset;
  }

  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

/** Choices for `encodeBtf`. */
export interface EncodeBtfOptions {
  /** What the types build upon; their ids start at its length. */
  readonly base?: Btf | undefined;
  /** True unless told. */
  readonly littleEndian?: boolean | undefined;
  /** Where names go, when others (.BTF.ext, line records) name strings of the same BTF. Add theirs first. */
  readonly strings?: BtfStrings | undefined;
}

/**
 * Types to a .BTF section. The first of `types` gets id 1, or the base's length; references are taken as they are.
 *
 * @throws BpfError `"BTF_RANGE"` for what the format cannot hold: over 65535 members, a bit field beyond 2 MiB.
 */
export function encodeBtf(types: Iterable<BtfType>, options: EncodeBtfOptions = {}): Uint8Array<ArrayBuffer> {
  const { littleEndian = true, strings = new BtfStrings(options.base) } = options;
  const records = new ByteWriter({ littleEndian, capacity: 4096 });
  for (const type of types) writeType(records, strings, type);
  const text = strings.finish();
  return new ByteWriter({ littleEndian, capacity: HEADER_SIZE + records.length + text.length })
    .u16(BTF_MAGIC)
    .u8(1)
    .u8(0)
    .u32(HEADER_SIZE)
    .u32(0)
    .u32(records.length)
    .u32(records.length)
    .u32(text.length)
    .raw(records.finish())
    .raw(text)
    .finish();
}

/** Builds a type graph a type at a time. Types may refer to ids that are still to come. */
export class BtfBuilder {
  readonly #base: Btf | undefined;
  readonly #types: BtfType[] = [];

  constructor(base?: Btf) {
    this.#base = base;
  }

  /** The id that the next {@link add} gives. */
  get nextId(): TypeId {
    return (this.#base?.length ?? 1) + this.#types.length;
  }

  add(type: BtfType): TypeId {
    const id = this.nextId;
    this.#types.push(type);
    return id;
  }

  /**
   * The graph of what was added so far.
   *
   * @throws BpfError `"BTF_RANGE"` as {@link encodeBtf} does
   * @throws FormatError as {@link parseBtf} does: an id that nothing was added for, a struct that contains itself ...
   */
  build(): Btf {
    return parseBtf(encodeBtf(this.#types, { base: this.#base }), { base: this.#base });
  }
}

function outOfRange(message: string, details: Record<string, unknown>): never {
  throw new BpfError("BTF_RANGE", message, details);
}

function writeType(out: ByteWriter, strings: BtfStrings, type: BtfType): void {
  const head = (third: number, vlen = 0, flag = false) => {
    if (vlen > MAX_VLEN) outOfRange(`${type.kind} has ${vlen} entries, ${MAX_VLEN} is the most`, { type });
    const name = "name" in type ? strings.add(type.name) : 0;
    out.u32(name).u32((((flag ? 1 : 0) << 31) | (KIND[type.kind] << 24) | vlen) >>> 0);
    return out.u32(third);
  };
  switch (type.kind) {
    case "void":
      outOfRange("void is type 0 and is not written", {});
      break;
    case "int":
      head(type.size).u32((INT_ENCODINGS[type.encoding] << 24) | (type.bitOffset << 16) | type.bits);
      break;
    case "float":
      head(type.size);
      break;
    case "ptr":
    case "typedef":
    case "volatile":
    case "const":
    case "restrict":
      head(type.type);
      break;
    case "array":
      head(0).u32(type.type).u32(type.indexType).u32(type.length);
      break;
    case "struct":
    case "union": {
      const flag = type.members.some((member) => member.bitSize !== 0);
      head(type.size, type.members.length, flag);
      for (const member of type.members) writeMember(out, strings, member, flag);
      break;
    }
    case "enum":
    case "enum64":
      head(type.size, type.values.length, type.signed);
      writeEnumerators(out, strings, type);
      break;
    case "fwd":
      head(0, 0, type.of === "union");
      break;
    case "func":
      head(type.type, LINKAGES.indexOf(type.linkage));
      break;
    case "func_proto":
      head(type.returns, type.params.length);
      for (const { name, type: id } of type.params) out.u32(strings.add(name)).u32(id);
      break;
    case "var":
      head(type.type).u32(LINKAGES.indexOf(type.linkage));
      break;
    case "datasec":
      head(type.size, type.variables.length);
      for (const { type: id, offset, size } of type.variables) out.u32(id).u32(offset).u32(size);
      break;
    case "decl_tag":
      head(type.type, 0, type.attribute).u32(type.component >>> 0);
      break;
    case "type_tag":
      head(type.type, 0, type.attribute);
      break;
  }
}

function writeMember(out: ByteWriter, strings: BtfStrings, member: BtfMember, flag: boolean): void {
  const { name, bitOffset, bitSize } = member;
  if (flag && (bitOffset > 0xffffff || bitSize > 0xff)) {
    outOfRange(`member "${name}" beside bit fields lies at bit ${bitOffset}, 2^24 is the limit`, { member });
  }
  out
    .u32(strings.add(name))
    .u32(member.type)
    .u32(flag ? ((bitSize << 24) | bitOffset) >>> 0 : bitOffset);
}

function writeEnumerators(out: ByteWriter, strings: BtfStrings, type: BtfEnum): void {
  for (const { name, value } of type.values) {
    const bits = type.kind === "enum" ? 32 : 64;
    const fits = type.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
    if (fits !== value) outOfRange(`enumerator ${name} = ${value} does not fit ${bits} bits`, { name, value });
    out.u32(strings.add(name)).u32(Number(value & 0xffffffffn));
    if (bits === 64) out.u32(Number((value >> 32n) & 0xffffffffn));
  }
}
