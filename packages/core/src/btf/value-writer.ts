import type { Btf } from "./btf.js";
import { type FormatValueOptions, formatValue, stringifyFormatted } from "./format-value.js";
import { resolve } from "./graph.js";
import type { BtfArray, BtfComposite, BtfEnum, BtfInt, TypeId } from "./types.js";
import { byteElement, checkValueType, isWholeInt, valueError } from "./value.js";

/** Writes the value of a type that starts at a byte. */
type Write = (view: DataView, at: number) => string;

/**
 * What {@link formatValue} and {@link stringifyFormatted} make of a value of type `id`, on one line and as JSON. The type is
 * looked at once: for the entries of maps, which may be millions.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values; the writer throws it for too few bytes.
 */
export function valueWriter(btf: Btf, id: TypeId): (bytes: Uint8Array) => string {
  const size = checkValueType(btf, id);
  const write = new WriterCompiler(btf).compile(id);
  return (bytes) => {
    if (bytes.length < size) throw valueError(`a value of ${size} bytes does not fit into ${bytes.length} bytes`);
    return write(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  };
}

const json: FormatValueOptions = {};

/** Characters in quotes, by their code. */
const characters = Array.from({ length: 256 }, (_, code) =>
  code >= 0x20 && code < 0x7f
    ? JSON.stringify(String.fromCharCode(code))
    : `"\\u00${code.toString(16).padStart(2, "0")}"`,
);

class WriterCompiler {
  readonly #btf: Btf;
  readonly #little: boolean;
  readonly #known = new Map<TypeId, Write>();

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#little = btf.littleEndian;
  }

  compile(id: TypeId): Write {
    const resolved = resolve(this.#btf, id);
    let write = this.#known.get(resolved);
    if (write === undefined) {
      write = this.#make(resolved);
      this.#known.set(resolved, write);
    }
    return write;
  }

  #make(id: TypeId): Write {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case "int":
        return this.#int(id, type);
      case "ptr":
        return this.#unsigned64;
      case "enum":
        return this.#enum(id, type);
      case "array":
        return this.#array(type);
      case "struct":
      case "union":
        return this.#composite(id, type);
      default:
        return this.#otherwise(id);
    }
  }

  /** The same by way of the value's tree, for what is rare. */
  #otherwise(id: TypeId): Write {
    const size = this.#btf.size(id) ?? 0;
    return (view, at) => {
      const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(size, view.byteLength - at));
      return stringifyFormatted(formatValue(this.#btf, id, bytes, json));
    };
  }

  readonly #unsigned64: Write = (view, at) => {
    const little = this.#little;
    const high = view.getUint32(at + (little ? 4 : 0), little);
    // Most are small enough for a number, which is written much faster than a bigint.
    if (high < 0x20_0000) return String(high * 0x1_0000_0000 + view.getUint32(at + (little ? 0 : 4), little));
    return String(view.getBigUint64(at, little));
  };

  #int(id: TypeId, type: BtfInt): Write {
    const little = this.#little;
    if (!isWholeInt(type) || type.bitOffset !== 0 || (type.bits !== 0 && type.bits !== type.size * 8)) {
      return this.#otherwise(id);
    }
    if (type.encoding === "bool")
      return type.size === 1 ? (view, at) => String(view.getUint8(at) !== 0) : this.#otherwise(id);
    if (type.encoding === "char")
      return type.size === 1 ? (view, at) => characters[view.getUint8(at)]! : this.#otherwise(id);
    const signed = type.encoding === "signed";
    switch (type.size) {
      case 1:
        return signed ? (view, at) => String(view.getInt8(at)) : (view, at) => String(view.getUint8(at));
      case 2:
        return signed
          ? (view, at) => String(view.getInt16(at, little))
          : (view, at) => String(view.getUint16(at, little));
      case 4:
        return signed
          ? (view, at) => String(view.getInt32(at, little))
          : (view, at) => String(view.getUint32(at, little));
      case 8:
        return signed ? (view, at) => String(view.getBigInt64(at, little)) : this.#unsigned64;
      default:
        return this.#otherwise(id);
    }
  }

  #enum(id: TypeId, { size, signed, values }: BtfEnum): Write {
    if (size !== 4) return this.#otherwise(id);
    const little = this.#little;
    const names = new Map<number, string>();
    for (const { name, value } of values) {
      if (!names.has(Number(value))) names.set(Number(value), JSON.stringify(name));
    }
    return (view, at) => {
      const value = signed ? view.getInt32(at, little) : view.getUint32(at, little);
      return names.get(value) ?? String(value);
    };
  }

  #array(type: BtfArray): Write {
    const { length } = type;
    const size = this.#btf.size(type.type) ?? 0;
    const element = this.compile(type.type);
    const isText = byteElement(this.#btf, type.type) === "text";
    return (view, at) => {
      const text = isText ? textAt(view, at, length) : undefined;
      if (text !== undefined) return JSON.stringify(text);
      let out = "[";
      for (let i = 0; i < length; i++) out += (i === 0 ? "" : ",") + element(view, at + i * size);
      return `${out}]`;
    };
  }

  #composite(id: TypeId, { members }: BtfComposite): Write {
    // Bit fields are rare enough for the whole struct to be written otherwise.
    if (members.some(({ bitSize, bitOffset }) => bitSize !== 0 || bitOffset % 8 !== 0)) return this.#otherwise(id);
    const parts = members.map(({ name, type, bitOffset }, index) => ({
      head: `${index === 0 ? "" : ","}${JSON.stringify(name)}:`,
      write: this.compile(type),
      offset: bitOffset / 8,
    }));
    return (view, at) => {
      let out = "{";
      for (const { head, write, offset } of parts) out += head + write(view, at + offset);
      return `${out}}`;
    };
  }
}

/** Printable ASCII up to a NUL, or undefined: without a NUL it is no string. */
function textAt(view: DataView, at: number, length: number): string | undefined {
  let text = "";
  for (let i = at; i < Math.min(at + length, view.byteLength); i++) {
    const code = view.getUint8(i);
    if (code === 0) return text;
    if (code < 0x20 || code >= 0x7f) return undefined;
    text += String.fromCharCode(code);
  }
  return undefined;
}
