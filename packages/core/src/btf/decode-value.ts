import { decodeText } from "../base/index.js";
import { readBits, readFewBits } from "./bits.js";
import type { Btf } from "./btf.js";
import { resolve } from "./graph.js";
import { PerType } from "./per-type.js";
import type { BtfArray, BtfEnum, BtfMember, BtfType, TypeId } from "./types.js";
import {
  type BitField,
  type BtfValue,
  bitField,
  byteElement,
  checkValueType,
  isWholeInt,
  valueError,
} from "./value.js";

/** Reads one value out of bytes, from `offset` (0 unless told) on. */
export type ValueDecoder = (bytes: Uint8Array, offset?: number) => BtfValue;

type Read = (view: DataView, at: number) => BtfValue;

const decoders = new PerType<ValueDecoder>(compile);

/**
 * The decoder of a type: a tree of closures, compiled once for each type of a graph. What it returns is told at
 * {@link BtfValue}.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values (void, functions, forward declarations); the decoder throws
 * it for too few bytes.
 */
export function valueDecoder(btf: Btf, id: TypeId): ValueDecoder {
  return decoders.get(btf, id);
}

/**
 * Decodes one value, told at {@link BtfValue}; bytes behind it are ignored.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values, and for too few bytes.
 */
export function decodeValue(btf: Btf, id: TypeId, bytes: Uint8Array): BtfValue {
  return valueDecoder(btf, id)(bytes);
}

function compile(btf: Btf, id: TypeId): ValueDecoder {
  const size = checkValueType(btf, id);
  const read = new Compiler(btf).reader(id);
  return (bytes, offset = 0) => {
    if (offset < 0 || offset + size > bytes.length) {
      throw valueError(`a value of ${size} bytes does not fit into ${bytes.length - offset} bytes`, { typeId: id });
    }
    return read(new DataView(bytes.buffer, bytes.byteOffset + offset, size), 0);
  };
}

class Compiler {
  readonly #btf: Btf;
  readonly #littleEndian: boolean;
  readonly #readers = new Map<TypeId, Read>();

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#littleEndian = btf.littleEndian;
  }

  reader(id: TypeId): Read {
    const resolved = resolve(this.#btf, id);
    let read = this.#readers.get(resolved);
    if (read === undefined) {
      read = this.#compile(this.#btf.type(resolved), resolved);
      this.#readers.set(resolved, read);
    }
    return read;
  }

  #compile(type: BtfType, id: TypeId): Read {
    const little = this.#littleEndian;
    switch (type.kind) {
      case "int":
        if (!isWholeInt(type))
          return this.#bits(type, { bitOffset: type.bitOffset, bitSize: type.bits || type.size * 8 });
        return wholeInt(type.size, type.encoding === "signed", type.encoding === "bool", little);
      case "ptr":
        return (view, at) => view.getBigUint64(at, little);
      case "enum":
      case "enum64": {
        const number = wholeInt(type.size, type.signed, false, little);
        const names = enumNames(type);
        return (view, at) => named(names, number(view, at) as number | bigint);
      }
      case "float":
        if (type.size === 4) return (view, at) => view.getFloat32(at, little);
        if (type.size === 8) return (view, at) => view.getFloat64(at, little);
        return (view, at) => bytesOf(view, at, type.size).slice();
      case "array":
        return this.#array(type);
      case "struct":
      case "union":
        return this.#members(type, this.#btf.size(id)!);
      case "var":
        return this.reader(type.type);
      case "datasec":
        return this.#object(
          type.variables
            .filter(({ type: each }) => this.#btf.kind(each) === "var")
            .map(({ type: each, offset }) => {
              return { name: this.#btf.name(each), offset, read: this.#within(type.size, offset, each) };
            }),
        );
      default:
        throw valueError(`type ${id} (${type.kind}) has no values`, { typeId: id });
    }
  }

  /** Sees to it that a part lies within the whole, and returns its reader. */
  #within(size: number, offset: number, id: TypeId): Read {
    if (offset + (this.#btf.size(id) ?? 0) <= size) return this.reader(id);
    throw valueError(`type ${id} at ${offset} lies outside of the ${size} bytes that contain it`, { typeId: id });
  }

  #array(type: BtfArray): Read {
    const { length } = type;
    const bytes = byteElement(this.#btf, type.type);
    if (bytes === "data") return (view, at) => bytesOf(view, at, length).slice();
    if (bytes === "text") return (view, at) => textOrBytes(bytesOf(view, at, length));
    const read = this.reader(type.type);
    const size = this.#btf.size(type.type) ?? 0;
    return (view, at) => {
      const values = new Array<BtfValue>(length);
      for (let i = 0; i < length; i++) values[i] = read(view, at + i * size);
      return values;
    };
  }

  #members(type: BtfType & { members: readonly BtfMember[] }, size: number): Read {
    const fields: Field[] = [];
    for (const member of type.members) {
      const bits = bitField(this.#btf, member);
      if (bits !== undefined) {
        if (bits.bitOffset + bits.bitSize > size * 8) {
          throw valueError(`bit field "${member.name}" lies outside of the ${size} bytes of its struct`);
        }
        if (member.name === "") continue;
        fields.push({ name: member.name, offset: 0, read: this.#bits(this.#scalar(member.type), bits) });
        continue;
      }
      const offset = member.bitOffset / 8;
      fields.push({ name: member.name, offset, read: this.#within(size, offset, member.type) });
    }
    return this.#object(fields);
  }

  #scalar(id: TypeId): BtfType {
    const type = this.#btf.type(resolve(this.#btf, id));
    if (type.kind === "int" || type.kind === "enum" || type.kind === "enum64") return type;
    throw valueError(`a bit field of type ${id} (${type.kind})`, { typeId: id });
  }

  #bits(type: BtfType, { bitOffset, bitSize }: BitField): Read {
    const little = this.#littleEndian;
    const signed = type.kind === "int" ? type.encoding === "signed" : isEnum(type) && type.signed;
    const names = isEnum(type) ? enumNames(type) : undefined;
    const bool = type.kind === "int" && type.encoding === "bool";
    if (bitSize === 0) return () => 0;
    if (bitSize > 32) {
      return (view, at) => {
        const value = readBits(view, at * 8 + bitOffset, bitSize, little);
        return named(names, signed ? BigInt.asIntN(bitSize, value) : value);
      };
    }
    const sign = 2 ** (bitSize - 1);
    return (view, at) => {
      const value = readFewBits(view, at * 8 + bitOffset, bitSize, little);
      if (bool) return value !== 0;
      return named(names, signed && value >= sign ? value - 2 * sign : value);
    };
  }

  #object(fields: readonly Field[]): Read {
    return (view, at) => {
      const object: Record<string, BtfValue> = {};
      for (const { name, offset, read } of fields) {
        const value = read(view, at + offset);
        if (name !== "") setOwn(object, name, value);
        else if (isPlainObject(value)) for (const key of Object.keys(value)) setOwn(object, key, value[key]!);
      }
      return object;
    };
  }
}

interface Field {
  /** Empty for an anonymous struct or union, whose members join the outer one's. */
  readonly name: string;
  readonly offset: number;
  readonly read: Read;
}

/** Names are the object file's, and one of them may be `__proto__`. */
function setOwn(object: Record<string, BtfValue>, name: string, value: BtfValue): void {
  if (name === "__proto__") {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[name] = value;
  }
}

function isPlainObject(value: BtfValue): value is { readonly [name: string]: BtfValue } {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isEnum(type: BtfType): type is BtfEnum {
  return type.kind === "enum" || type.kind === "enum64";
}

function enumNames(type: BtfEnum): Map<number | bigint, string> {
  const names = new Map<number | bigint, string>();
  for (const { name, value } of type.values) {
    // Of several names of one value the first is the one that C programmers write first.
    if (!names.has(value)) names.set(value, name);
    const number = Number(value);
    if (Number.isSafeInteger(number) && !names.has(number)) names.set(number, name);
  }
  return names;
}

function named(names: Map<number | bigint, string> | undefined, value: number | bigint): BtfValue {
  return names?.get(value) ?? value;
}

function wholeInt(size: number, signed: boolean, bool: boolean, little: boolean): Read {
  switch (size) {
    case 1:
      if (bool) return (view, at) => view.getUint8(at) !== 0;
      return signed ? (view, at) => view.getInt8(at) : (view, at) => view.getUint8(at);
    case 2:
      return signed ? (view, at) => view.getInt16(at, little) : (view, at) => view.getUint16(at, little);
    case 4:
      return signed ? (view, at) => view.getInt32(at, little) : (view, at) => view.getUint32(at, little);
    default:
      return signed ? (view, at) => view.getBigInt64(at, little) : (view, at) => view.getBigUint64(at, little);
  }
}

function bytesOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length);
}

/**
 * Text up to a NUL or the end, when it is printable UTF-8, whatever lies behind the NUL: kernel helpers leave the rest of
 * a buffer as it was. An empty text is one only if nothing at all is there.
 */
function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  const end = bytes.indexOf(0);
  if (end === 0) return bytes.every((byte) => byte === 0) ? "" : bytes.slice();
  const text = decodeText(end < 0 ? bytes : bytes.subarray(0, end));
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if ((code < 0x20 && code !== 9 && code !== 10 && code !== 13) || code === 0x7f || code === 0xfffd) {
      return bytes.slice();
    }
  }
  return text;
}
