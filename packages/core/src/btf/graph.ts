import { BpfError } from "../base/index.js";
import type { Btf } from "./btf.js";
import type { BtfFuncProto, BtfMember, BtfModifier, BtfType, BtfTypeTag, TypeId } from "./types.js";

/** The type behind typedefs, qualifiers and type tags. */
export function resolve(btf: Btf, id: TypeId): TypeId {
  for (;;) {
    const type = btf.type(id);
    if (!isModifier(type)) return id;
    id = type.type;
  }
}

/** The type behind qualifiers (const, volatile, restrict) and type tags; typedefs stay. */
export function skipQualifiers(btf: Btf, id: TypeId): TypeId {
  for (;;) {
    const type = btf.type(id);
    if (!isModifier(type) || type.kind === "typedef") return id;
    id = type.type;
  }
}

/** A typedef, const, volatile, restrict or type tag: another type, with something said of it. */
export function isModifier(type: BtfType): type is BtfModifier | BtfTypeTag {
  switch (type.kind) {
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
      return true;
    default:
      return false;
  }
}

/** Where a path of member names and indices leads. */
export interface MemberPlace {
  /** The declared type there: typedefs and qualifiers included. */
  readonly type: TypeId;
  /** Bits from the start of the type that the path started from. */
  readonly bitOffset: number;
  /** Width of a bit field; 0 for everything else. */
  readonly bitSize: number;
}

/**
 * Follows a path such as `"sk.__sk_common.skc_family"` or `"tx[2].len"` from a struct, union or array (typedefs and
 * qualifiers are looked through). Members of anonymous structs and unions are found as in C. Undefined where there is no
 * such member or index.
 *
 * @throws BpfError `"BTF_PATH"` for a path that is not one.
 */
export function findMember(btf: Btf, id: TypeId, path: string): MemberPlace | undefined {
  if (!/^(\w+|\[\d+\])(\.\w+|\[\d+\])*$/.test(path)) {
    throw new BpfError("BTF_PATH", `"${path}" is not a path of members and indices`, { path });
  }
  let place: MemberPlace | undefined = { type: id, bitOffset: 0, bitSize: 0 };
  for (const step of path.match(/\w+/g) ?? []) {
    place = /^\d/.test(step) ? elementAt(btf, place, Number(step)) : memberNamed(btf, place, step, new Set());
    if (place === undefined) return undefined;
  }
  return place;
}

function elementAt(btf: Btf, from: MemberPlace, index: number): MemberPlace | undefined {
  const array = btf.type(resolve(btf, from.type));
  if (array.kind !== "array") return undefined;
  // An array of length 0 is a flexible one: any index may be meant.
  if (index >= array.length && array.length !== 0) return undefined;
  const size = btf.size(array.type);
  if (size === undefined) return undefined;
  return { type: array.type, bitOffset: from.bitOffset + index * size * 8, bitSize: 0 };
}

/** `seen` holds the anonymous types that were searched in vain, so that one met twice is searched once. */
function memberNamed(btf: Btf, from: MemberPlace, name: string, seen: Set<TypeId>): MemberPlace | undefined {
  const id = resolve(btf, from.type);
  const type = btf.type(id);
  if ((type.kind !== "struct" && type.kind !== "union") || seen.has(id)) return undefined;
  seen.add(id);
  for (const member of type.members) {
    if (member.name === name) return placeOf(btf, from, member);
  }
  for (const member of type.members) {
    if (member.name !== "") continue;
    const inner = memberNamed(btf, placeOf(btf, from, member), name, seen);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function placeOf(btf: Btf, from: MemberPlace, member: BtfMember): MemberPlace {
  const { bitOffset, bitSize } = memberBits(btf, member);
  return { type: member.type, bitOffset: from.bitOffset + bitOffset, bitSize };
}

/**
 * Offset and width of a member in bits, wherever the compiler put them: LLVM writes bit fields in the member, old GCC and
 * pahole in an int type of fewer bits. A width of 0 is an ordinary member.
 */
export function memberBits(btf: Btf, member: BtfMember): { readonly bitOffset: number; readonly bitSize: number } {
  if (member.bitSize !== 0) return member;
  const type = btf.type(resolve(btf, member.type));
  if (type.kind !== "int" || (type.bits === type.size * 8 && type.bitOffset === 0) || type.bits === 0) return member;
  return { bitOffset: member.bitOffset + type.bitOffset, bitSize: type.bits };
}

/** A member found by where it is. */
export interface MemberAt {
  readonly member: BtfMember;
  /** Names from the outermost struct inwards; anonymous ones are left out, indices are written `[n]`. */
  readonly path: string;
  /** Bits from the start of the outermost struct to the member. */
  readonly bitOffset: number;
}

/**
 * The innermost member that covers bit `bit` of a struct, union or array type; of a union's members the first that does.
 * Undefined in padding and beyond the end.
 */
export function memberAtBit(btf: Btf, id: TypeId, bit: number): MemberAt | undefined {
  const type = btf.type(resolve(btf, id));
  if (type.kind !== "struct" && type.kind !== "union") return undefined;
  for (const member of type.members) {
    const { bitOffset, bitSize } = memberBits(btf, member);
    const width = bitSize || (btf.size(member.type) ?? 0) * 8;
    if (bit < bitOffset || bit >= bitOffset + width) continue;
    const { typeId, indices, bits } = elementAtBit(btf, member.type, bit - bitOffset);
    const inner = memberAtBit(btf, typeId, bits);
    const name = member.name + indices;
    const start = bit - bits;
    if (inner === undefined) return { member, path: name, bitOffset: indices === "" ? bitOffset : start };
    const path = name === "" ? inner.path : `${name}.${inner.path}`;
    return { member: inner.member, path, bitOffset: start + inner.bitOffset };
  }
  return undefined;
}

/** Goes through arrays down to the element that covers `bits`; what is left of `bits` counts from its start. */
function elementAtBit(btf: Btf, id: TypeId, bits: number): { typeId: TypeId; indices: string; bits: number } {
  let typeId = id;
  let indices = "";
  for (;;) {
    const type = btf.type(resolve(btf, typeId));
    const size = type.kind === "array" ? btf.size(type.type) : undefined;
    if (type.kind !== "array" || size === undefined || size === 0) return { typeId, indices, bits };
    const index = Math.floor(bits / (size * 8));
    indices += `[${index}]`;
    bits -= index * size * 8;
    typeId = type.type;
  }
}

/** The prototype of a func, of a func_proto itself, or of what a pointer to a function points at; else undefined. */
export function functionPrototype(btf: Btf, id: TypeId): BtfFuncProto | undefined {
  let type = btf.type(resolve(btf, id));
  if (type.kind === "ptr" || type.kind === "func") type = btf.type(resolve(btf, type.type));
  return type.kind === "func_proto" ? type : undefined;
}

/** A variable of a data section. */
export interface DatasecVariable {
  readonly name: string;
  /** The var record. */
  readonly id: TypeId;
  /** The variable's own type. */
  readonly type: TypeId;
  readonly linkage: "static" | "global" | "extern";
  /** Bytes from the start of the section. Compilers leave 0 for the loader to fill in from symbols. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** The variables of a data section by its ELF name (`".data"`), in its order; none where there is no such section. */
export function datasecVariables(btf: Btf, section: string): DatasecVariable[] {
  const [id] = btf.find(section, "datasec");
  const datasec = id === undefined ? undefined : btf.type(id);
  if (datasec?.kind !== "datasec") return [];
  return datasec.variables.flatMap(({ type: entry, offset, size }) => {
    const type = btf.type(entry);
    // Extern functions stand in data sections too (.ksyms); they are no variables.
    return type.kind === "var"
      ? [{ name: type.name, id: entry, type: type.type, linkage: type.linkage, offset, size }]
      : [];
  });
}

/** All types but void, by id from `firstId`: a split BTF's own. */
export function ownTypes(btf: Btf): BtfType[] {
  return Array.from({ length: btf.length - btf.firstId }, (_, index) => btf.type(btf.firstId + index));
}
