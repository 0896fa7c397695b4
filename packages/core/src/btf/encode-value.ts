import { BpfError, encodeText, parseAddress } from "../base/index.js";
import { writeBits } from "./bits.js";
import type { Btf } from "./btf.js";
import { resolve } from "./graph.js";
import { PerType } from "./per-type.js";
import type { BtfArray, BtfEnum, BtfInt, BtfMember, BtfType, TypeId } from "./types.js";
import { type BtfValue, bitField, byteElement, checkValueType, isWholeInt, valueError } from "./value.js";

/** Writes a value into bytes, from `offset` (0 unless told) on. Bytes that no given member covers stay as they are. */
export type ValueEncoder = (value: BtfValue, bytes: Uint8Array, offset?: number) => void;

type Write = (view: DataView, at: number, value: BtfValue) => void;

const encoders = new PerType<ValueEncoder>(compile);

/**
 * The encoder of a type: a tree of closures, compiled once for each type of a graph. It takes what decoding gives, and
 * what means the same: a number for a bigint and the reverse, numerals (`"0x1f"`), an enumerator's number, a Uint8Array
 * for anything of its size, an address (`"10.0.0.1"`, `"fe80::1"`, `"02:00:00:00:00:01"`) for anything of 4, 16 or 6
 * bytes, which is then in network order. Members that are not given stay as they are.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values; the encoder throws it for a value that is not of the
 * type: out of range, too long, of the wrong kind, with a member that does not exist. Its message names the member.
 */
export function valueEncoder(btf: Btf, id: TypeId): ValueEncoder {
  return encoders.get(btf, id);
}

/**
 * A value's bytes, told at {@link valueEncoder}; members that are not given are 0.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values, and for a value that is not of the type.
 */
export function encodeValue(btf: Btf, id: TypeId, value: BtfValue): Uint8Array<ArrayBuffer> {
  const encode = valueEncoder(btf, id);
  const bytes = new Uint8Array(btf.size(id)!);
  encode(value, bytes);
  return bytes;
}

function compile(btf: Btf, id: TypeId): ValueEncoder {
  const size = checkValueType(btf, id);
  const write = new Compiler(btf).writer(id);
  return (value, bytes, offset = 0) => {
    if (offset < 0 || offset + size > bytes.length) {
      throw valueError(`a value of ${size} bytes does not fit into ${bytes.length - offset} bytes`, { typeId: id });
    }
    write(new DataView(bytes.buffer, bytes.byteOffset + offset, size), 0, value);
  };
}

class Compiler {
  readonly #btf: Btf;
  readonly #littleEndian: boolean;
  readonly #writers = new Map<TypeId, Write>();
  readonly #fields = new Map<TypeId, Map<string, Field>>();

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#littleEndian = btf.littleEndian;
  }

  writer(id: TypeId): Write {
    const resolved = resolve(this.#btf, id);
    let write = this.#writers.get(resolved);
    if (write === undefined) {
      const size = this.#btf.size(resolved) ?? 0;
      write = bytesOr(size, this.#compile(this.#btf.type(resolved), resolved));
      this.#writers.set(resolved, write);
    }
    return write;
  }

  #compile(type: BtfType, id: TypeId): Write {
    switch (type.kind) {
      case "int":
        return this.#int(type);
      case "ptr":
        return this.#number(0, 64, (value) => toInteger(value, 64, false));
      case "enum":
      case "enum64":
        return this.#number(0, type.size * 8, (value) => toEnumerator(type, value, type.size * 8));
      case "float":
        return this.#float(type.size);
      case "array":
        return this.#array(type);
      case "struct":
      case "union":
        return this.#object(type.kind, this.#members(id, type.members, type.size));
      case "var":
        return this.writer(type.type);
      case "datasec": {
        const fields = new Map<string, Field>();
        for (const { type: each, offset } of type.variables) {
          const name = this.#btf.name(each);
          if (this.#btf.kind(each) === "var")
            fields.set(name, { offset, write: this.#within(type.size, offset, each) });
        }
        return this.#object("datasec", fields);
      }
      default:
        throw valueError(`type ${id} (${type.kind}) has no values`, { typeId: id });
    }
  }

  #int(type: BtfInt): Write {
    const bits = type.bits || type.size * 8;
    const signed = type.encoding === "signed";
    const range = type.encoding === "bool" ? 1 : bits;
    const write = this.#number(type.bitOffset, bits, (value) => toInteger(value, range, signed));
    const little = this.#littleEndian;
    if (!isWholeInt(type)) return write;
    if (type.size === 8) {
      return (view, at, value) => view.setBigUint64(at, BigInt.asUintN(64, toInteger(value, 64, signed)), little);
    }
    if (type.size !== 4) return write;
    // A plain number is the common case; it needs no bigint.
    const [least, most] = signed ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
    return (view, at, value) => {
      const fits = typeof value === "number" && value >= least && value <= most && Number.isInteger(value);
      if (fits) view.setUint32(at, value, little);
      else write(view, at, value);
    };
  }

  #number(bitOffset: number, bits: number, convert: (value: BtfValue) => bigint): Write {
    const little = this.#littleEndian;
    return (view, at, value) => writeBits(view, at * 8 + bitOffset, bits, little, convert(value));
  }

  #float(size: number): Write {
    const little = this.#littleEndian;
    return (view, at, value) => {
      if (typeof value !== "number") throw valueError(`${describe(value)} is not a number`);
      if (size === 4) view.setFloat32(at, value, little);
      else if (size === 8) view.setFloat64(at, value, little);
      else throw valueError(`a float of ${size} bytes is written as bytes`);
    };
  }

  #array(type: BtfArray): Write {
    const { length } = type;
    const text = byteElement(this.#btf, type.type) === "text";
    const size = this.#btf.size(type.type) ?? 0;
    const write = this.writer(type.type);
    return (view, at, value) => {
      const elements = text && typeof value === "string" ? encodeText(value) : value;
      if (!Array.isArray(elements) && !(elements instanceof Uint8Array)) {
        throw valueError(`${describe(value)} is not an array`);
      }
      if (elements.length > length) throw valueError(`${elements.length} elements in an array of ${length}`);
      if (text && elements instanceof Uint8Array) {
        // A text ends where the array does, or the rest is NULs.
        for (let i = 0; i < length; i++) view.setUint8(at + i, elements[i] ?? 0);
        return;
      }
      for (let i = 0; i < elements.length; i++) {
        try {
          write(view, at + i * size, elements[i]!);
        } catch (error) {
          throw located(`[${i}]`, error);
        }
      }
    };
  }

  #members(id: TypeId, members: readonly BtfMember[], size: number): Map<string, Field> {
    const known = this.#fields.get(id);
    if (known !== undefined) return known;
    const fields = new Map<string, Field>();
    this.#fields.set(id, fields);
    for (const member of members) {
      const bits = bitField(this.#btf, member);
      if (bits !== undefined) {
        if (bits.bitOffset + bits.bitSize > size * 8) {
          throw valueError(`bit field "${member.name}" lies outside of the ${size} bytes of its struct`);
        }
        const convert = this.#bitFieldValue(member.type, bits.bitSize);
        if (member.name === "") continue;
        fields.set(member.name, { offset: 0, write: this.#number(bits.bitOffset, bits.bitSize, convert) });
        continue;
      }
      const offset = member.bitOffset / 8;
      const write = this.#within(size, offset, member.type);
      if (member.name !== "") fields.set(member.name, { offset, write });
      else this.#adopt(fields, member.type, offset);
    }
    return fields;
  }

  /** Members of an anonymous struct or union are set as the outer one's. */
  #adopt(fields: Map<string, Field>, id: TypeId, base: number): void {
    const resolved = resolve(this.#btf, id);
    const type = this.#btf.type(resolved);
    if (type.kind !== "struct" && type.kind !== "union") return;
    for (const [name, { offset, write }] of this.#members(resolved, type.members, type.size)) {
      if (!fields.has(name)) fields.set(name, { offset: base + offset, write });
    }
  }

  #bitFieldValue(id: TypeId, bits: number): (value: BtfValue) => bigint {
    const type = this.#btf.type(resolve(this.#btf, id));
    if (type.kind === "enum" || type.kind === "enum64") return (value) => toEnumerator(type, value, bits);
    if (type.kind === "int") return (value) => toInteger(value, bits, type.encoding === "signed");
    throw valueError(`a bit field of type ${id} (${type.kind})`, { typeId: id });
  }

  #within(size: number, offset: number, id: TypeId): Write {
    if (offset + (this.#btf.size(id) ?? 0) <= size) return this.writer(id);
    throw valueError(`type ${id} at ${offset} lies outside of the ${size} bytes that contain it`, { typeId: id });
  }

  #object(kind: string, fields: Map<string, Field>): Write {
    return (view, at, value) => {
      if (typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array) {
        throw valueError(`${describe(value)} is not an object with the members of a ${kind}`);
      }
      for (const [name, each] of Object.entries(value)) {
        const field = fields.get(name);
        if (field === undefined) throw valueError(`there is no member "${name}"`);
        if (each === undefined) continue;
        try {
          field.write(view, at + field.offset, each);
        } catch (error) {
          throw located(name, error);
        }
      }
    };
  }
}

interface Field {
  readonly offset: number;
  readonly write: Write;
}

/** Takes bytes and addresses in place of any value of their size. */
function bytesOr(size: number, write: Write): Write {
  const address = size === 4 || size === 6 || size === 16;
  return (view, at, value) => {
    let bytes: Uint8Array | undefined;
    if (value instanceof Uint8Array && value.length === size) bytes = value;
    else if (address && typeof value === "string") bytes = parseAddress(value);
    if (bytes?.length === size) new Uint8Array(view.buffer, view.byteOffset + at, size).set(bytes);
    else write(view, at, value);
  };
}

/** Puts the member's name before what went wrong in it. */
function located(step: string, error: unknown): unknown {
  if (!(error instanceof BpfError) || error.code !== "BTF_VALUE") return error;
  const inner = error.details.path as string | undefined;
  const reason = (error.details.reason as string | undefined) ?? error.message;
  const path = inner === undefined ? step : inner.startsWith("[") ? step + inner : `${step}.${inner}`;
  return valueError(`${path}: ${reason}`, { ...error.details, path, reason });
}

function toInteger(value: BtfValue, bits: number, signed: boolean): bigint {
  const integer = integerOf(value);
  if (integer === undefined) throw valueError(`${describe(value)} is not an integer`);
  const fits = signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer);
  if (fits !== integer) throw valueError(`${integer} does not fit ${bits} ${signed ? "signed" : "unsigned"} bits`);
  return integer;
}

function integerOf(value: BtfValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== "string" || !/^[-+]?(\d+|0x[0-9a-f]+)$/i.test(value)) return undefined;
  return value.startsWith("-") ? -BigInt(value.slice(1)) : BigInt(value.replace("+", ""));
}

function toEnumerator(type: BtfEnum, value: BtfValue, bits: number): bigint {
  const named = typeof value === "string" ? type.values.find((each) => each.name === value) : undefined;
  if (named === undefined && typeof value === "string" && integerOf(value) === undefined) {
    throw valueError(`${describe(value)} is not a value of enum ${type.name || "(anonymous)"}`);
  }
  return named?.value ?? toInteger(value, bits, type.signed);
}

function describe(value: BtfValue): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value);
}
