import { BpfError } from "../base/index.js";
import type { Btf } from "./btf.js";
import { memberBits, resolve } from "./graph.js";
import type { BtfInt, BtfMember, BtfType, TypeId } from "./types.js";

/**
 * A C value in JavaScript:
 *
 * | C | JavaScript |
 * |---|---|
 * | integers of up to 4 bytes, bit fields of up to 32 bits | number |
 * | longer integers, bit fields, pointers | bigint |
 * | bool | boolean |
 * | float, double | number |
 * | enum | the enumerator's name, or the number where no enumerator has it |
 * | char arrays | string where they hold text, else Uint8Array |
 * | arrays of unsigned char | Uint8Array |
 * | other arrays | array |
 * | struct, union, data section | object; members of anonymous structs and unions are the outer one's |
 * | half and long floats | Uint8Array |
 */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly BtfValue[]
  | { readonly [name: string]: BtfValue };

/** How many JavaScript values one C value may become; what exceeds it is no type that a program works with. */
const MAX_WEIGHT = 1 << 24;

/**
 * Refuses types without values and types whose value would be absurdly large: unions of unions of unions make a value
 * that grows exponentially while its bytes stay few. Returns the size of a value in bytes.
 *
 * @throws BpfError `"BTF_VALUE"`
 */
export function checkValueType(btf: Btf, id: TypeId): number {
  const size = btf.size(id);
  if (size === undefined) throw valueError(`type ${id} (${btf.kind(id)}) has no values`, { typeId: id });
  if (weigh(btf, id, new Map()) > MAX_WEIGHT) {
    throw valueError(`values of type ${id} have more than ${MAX_WEIGHT} parts`, { typeId: id });
  }
  return size;
}

function weigh(btf: Btf, id: TypeId, known: Map<TypeId, number>): number {
  let weight = known.get(id);
  if (weight !== undefined) return weight;
  weight = 1;
  known.set(id, weight);
  const type = btf.type(id);
  if (type.kind === "array")
    weight += type.length * (byteElement(btf, type.type) ? 1 / 2 : weigh(btf, type.type, known));
  else if (isComposite(type)) for (const member of type.members) weight += weigh(btf, member.type, known);
  else if (type.kind === "datasec") for (const each of type.variables) weight += weigh(btf, each.type, known);
  else if (type.kind !== "ptr" && "type" in type) weight = weigh(btf, type.type, known);
  known.set(id, weight);
  return weight;
}

export function isComposite(type: BtfType): type is Extract<BtfType, { kind: "struct" | "union" }> {
  return type.kind === "struct" || type.kind === "union";
}

/** Whether array elements of this type are bytes of text, or of data; undefined where they are neither. */
export function byteElement(btf: Btf, id: TypeId): "text" | "data" | undefined {
  const type = btf.type(resolve(btf, id));
  if (type.kind !== "int" || type.size !== 1 || type.bits !== 8) return undefined;
  if (type.encoding === "char" || type.name === "char") return "text";
  return type.encoding === "unsigned" ? "data" : undefined;
}

/** A member's bits, when it takes other than all bytes of its type. */
export interface BitField {
  readonly bitOffset: number;
  readonly bitSize: number;
}

/** The bit field that `member` is, or undefined for a member of whole bytes. */
export function bitField(btf: Btf, member: BtfMember): BitField | undefined {
  const { bitOffset, bitSize } = memberBits(btf, member);
  if (bitSize !== 0) return { bitOffset, bitSize };
  if (bitOffset % 8 === 0) return undefined;
  return { bitOffset, bitSize: (btf.size(member.type) ?? 0) * 8 };
}

/** Ints that a DataView reads; others (`_BitInt(24)`, old bit field types) are read bit by bit. */
export function isWholeInt(type: BtfInt): boolean {
  return type.bitOffset === 0 && type.bits === type.size * 8 && [1, 2, 4, 8].includes(type.size);
}

/** Says what value cannot be had, and why. */
export function valueError(message: string, details: Record<string, unknown> = {}): BpfError<"BTF_VALUE"> {
  return new BpfError("BTF_VALUE", message, details);
}
