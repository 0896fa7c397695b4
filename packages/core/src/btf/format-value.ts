import { formatIpv4, formatIpv6 } from "../base/index.js";
import { readBits } from "./bits.js";
import type { Btf } from "./btf.js";
import { isModifier, resolve } from "./graph.js";
import type { BtfArray, BtfEnum, BtfInt, TypeId } from "./types.js";
import { byteElement, checkValueType, isWholeInt, valueError } from "./value.js";

/**
 * JSON as a tree of text, in which numbers keep all their digits and names may repeat: the members of a struct's
 * anonymous structs stand under `""`, each in its own.
 */
export type FormattedValue =
  /** A JSON token as it is written: `"7"`, `"\"eth0\""`, `"true"`. */
  | string
  | { readonly elements: readonly FormattedValue[] }
  | { readonly members: readonly (readonly [name: string, value: FormattedValue])[] };

/** Choices for `formatValue`. */
export interface FormatValueOptions {
  /**
   * Values in network order as people read them: `__be32` as an IPv4 address, `struct in6_addr` as an IPv6 address, and
   * `__be16` as the number that it stands for. False unless told: bpftool knows of none of this.
   */
  readonly network?: boolean | undefined;
  /**
   * As `bpftool map dump` prints without `-j`, which isn't quite JSON: pointers, bit fields and 128-bit integers are
   * hexadecimal without quotes. False unless told.
   */
  readonly plain?: boolean | undefined;
  /**
   * Writes pointers to functions: given the prototype's type and the value, the text that stands in quotes. Undefined for
   * one to be written as any pointer.
   */
  readonly functionPointer?: ((proto: TypeId, value: bigint) => string | undefined) | undefined;
}

/**
 * A value in the form that `bpftool map dump -j` calls "formatted": numbers with all their digits, enumerators by name,
 * text as strings, pointers in decimal, bit fields and 128-bit integers as hexadecimal strings. Beyond bpftool, which
 * gives up on them, floats are numbers.
 *
 * @throws BpfError `"BTF_VALUE"` for a type that has no values, and for too few bytes.
 */
export function formatValue(btf: Btf, id: TypeId, bytes: Uint8Array, options: FormatValueOptions = {}): FormattedValue {
  const size = checkValueType(btf, id);
  if (bytes.length < size) throw valueError(`a value of ${size} bytes does not fit into ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Formatter(btf, view, options).value(id, 0);
}

/** Bytes as bpftool prints them where there is no BTF: `["0x01","0x00"]`. */
export function formatBytes(bytes: Uint8Array): FormattedValue {
  return { elements: Array.from(bytes, (byte) => `"0x${byte.toString(16).padStart(2, "0")}"`) };
}

/**
 * Writes a formatted value as text: on one line, or `pretty` as bpftool lays it out, `depth` levels of 4 spaces deep.
 */
export function stringifyFormatted(value: FormattedValue, options: { pretty?: boolean; depth?: number } = {}): string {
  const { pretty = false, depth = 0 } = options;
  if (typeof value === "string") return value;
  const inner = { pretty, depth: depth + 1 };
  const line = pretty ? `\n${"    ".repeat(depth)}` : "";
  if ("elements" in value) {
    const elements = value.elements.map((each) => stringifyFormatted(each, inner));
    return elements.length === 0 ? "[]" : `[${elements.join(",")}${line}]`;
  }
  if (value.members.length === 0) return "{}";
  const colon = pretty ? ": " : ":";
  const indent = pretty ? `${line}    ` : "";
  const members = value.members.map(
    ([name, each]) => `${indent}${JSON.stringify(name)}${colon}${stringifyFormatted(each, inner)}`,
  );
  return `{${members.join(",")}${line}}`;
}

class Formatter {
  readonly #btf: Btf;
  readonly #view: DataView;
  readonly #plain: boolean;
  readonly #network: boolean;
  readonly #functionPointer: FormatValueOptions["functionPointer"];

  constructor(btf: Btf, view: DataView, { plain = false, network = false, functionPointer }: FormatValueOptions) {
    this.#btf = btf;
    this.#view = view;
    this.#plain = plain;
    this.#network = network;
    this.#functionPointer = functionPointer;
  }

  /** The value of type `id` that starts at bit `bit`. */
  value(id: TypeId, bit: number): FormattedValue {
    const told = this.#network ? this.#networkValue(id, bit) : undefined;
    if (told !== undefined) return told;
    const resolved = resolve(this.#btf, id);
    const type = this.#btf.type(resolved);
    switch (type.kind) {
      case "int":
        return this.#int(type, bit);
      case "ptr":
        return this.#pointer(type.type, this.#bits(bit, 64));
      case "enum":
      case "enum64":
        return this.#enum(type, bit);
      case "float":
        return this.#float(type.size, bit);
      case "array":
        return this.#array(type, bit);
      case "struct":
      case "union":
        return { members: type.members.map((member) => [member.name, this.#member(member, bit)] as const) };
      case "var":
        return { members: [[type.name, this.value(type.type, bit)]] };
      case "datasec": {
        const variables = type.variables.filter((each) => this.#btf.kind(each.type) === "var");
        const elements = variables.map((each) => this.value(each.type, bit + each.offset * 8));
        return { members: [[type.name, { elements }]] };
      }
      default:
        throw valueError(`type ${resolved} (${type.kind}) has no values`, { typeId: resolved });
    }
  }

  /** Undefined for a value that isn't known to be in network order. */
  #networkValue(id: TypeId, bit: number): string | undefined {
    const at = this.#view.byteOffset + bit / 8;
    const bytes = (length: number) => new Uint8Array(this.#view.buffer, at, length);
    for (let each = id; ; ) {
      const type = this.#btf.type(each);
      if (type.kind === "typedef" && type.name === "__be32") return JSON.stringify(formatIpv4(bytes(4)));
      if (type.kind === "typedef" && type.name === "__be16") return String(this.#view.getUint16(bit / 8));
      if (type.kind === "struct" && type.name === "in6_addr") return JSON.stringify(formatIpv6(bytes(16)));
      if (!isModifier(type)) return undefined;
      each = type.type;
    }
  }

  #member(member: { type: TypeId; bitOffset: number; bitSize: number }, bit: number): FormattedValue {
    const at = bit + member.bitOffset;
    if (member.bitSize !== 0) return this.#hex(this.#bits(at, member.bitSize));
    return this.value(member.type, at);
  }

  #bits(bit: number, count: number): bigint {
    if (bit + count > this.#view.byteLength * 8) throw valueError("a member lies outside of the value's bytes");
    return readBits(this.#view, bit, count, this.#btf.littleEndian);
  }

  #int(type: BtfInt, bit: number): string {
    const bits = type.bits || type.size * 8;
    const value = this.#bits(bit + type.bitOffset, bits);
    if (!isWholeInt(type) || bit % 8 !== 0) return this.#hex(value);
    if (type.encoding === "bool") return String(value !== 0n);
    if (type.encoding === "char") return this.#char(Number(value & 0xffn));
    return String(type.encoding === "signed" ? BigInt.asIntN(bits, value) : value);
  }

  #char(code: number): string {
    if (code >= 0x20 && code < 0x7f) return JSON.stringify(String.fromCharCode(code));
    return this.#plain ? `0x${code.toString(16)}` : `"\\u00${code.toString(16).padStart(2, "0")}"`;
  }

  #hex(value: bigint): string {
    return this.#plain ? `0x${value.toString(16)}` : `"0x${value.toString(16)}"`;
  }

  #pointer(target: TypeId, value: bigint): string {
    if (this.#functionPointer !== undefined) {
      const proto = resolve(this.#btf, target);
      const text = this.#btf.kind(proto) === "func_proto" ? this.#functionPointer(proto, value) : undefined;
      if (text !== undefined) return JSON.stringify(text);
    }
    if (!this.#plain) return String(value);
    // As C's %p prints it.
    return value === 0n ? "(nil)" : `0x${value.toString(16)}`;
  }

  #enum(type: BtfEnum, bit: number): string {
    const bits = type.size * 8;
    const raw = this.#bits(bit, bits);
    const value = type.signed ? BigInt.asIntN(bits, raw) : raw;
    const name = type.values.find((each) => each.value === value)?.name;
    return name === undefined ? String(value) : JSON.stringify(name);
  }

  #float(size: number, bit: number): string {
    const at = bit / 8;
    const little = this.#btf.littleEndian;
    if (size !== 4 && size !== 8) return this.#hex(this.#bits(bit, size * 8));
    if (at + size > this.#view.byteLength) throw valueError("a member lies outside of the value's bytes");
    const value = size === 4 ? this.#view.getFloat32(at, little) : this.#view.getFloat64(at, little);
    return Number.isFinite(value) ? String(value) : JSON.stringify(String(value));
  }

  #array(type: BtfArray, bit: number): FormattedValue {
    const size = this.#btf.size(type.type) ?? 0;
    const text = byteElement(this.#btf, type.type) === "text" ? this.#text(bit / 8, type.length) : undefined;
    if (text !== undefined) return JSON.stringify(text);
    const elements: FormattedValue[] = [];
    for (let i = 0; i < type.length; i++) elements.push(this.value(type.type, bit + i * size * 8));
    return { elements };
  }

  /** Printable ASCII up to a NUL, or undefined: without a NUL it is no string. */
  #text(at: number, length: number): string | undefined {
    let text = "";
    for (let i = at; i < Math.min(at + length, this.#view.byteLength); i++) {
      const code = this.#view.getUint8(i);
      if (code === 0) return text;
      if (code < 0x20 || code >= 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    return undefined;
  }
}
