import { type Btf, type BtfMember, memberBits, resolve, type TypeId } from "../btf/index.js";
import type { CoreRelocation } from "../spec/index.js";
import { isEnum } from "./core-compatibility.js";
import { type CorePath, coreError } from "./core-path.js";

/** What a relocation is worth in one type graph. */
export interface CoreValue {
  /** Undefined where there is none because the graph lacks the field or enumerator: the instruction must not run. */
  readonly value: bigint | undefined;
  /** Whether the instruction must hold this value before; compilers and libbpf see bit fields differently. */
  readonly exact: boolean;
  /** Of a field that is loaded and stored by itself: its type, or that of an array's elements. */
  readonly access?: { readonly type: TypeId; readonly size: number } | undefined;
}

const MISSING: CoreValue = { value: undefined, exact: false };

/**
 * The value of a relocation in a graph where it leads along `path`, or in one that lacks it.
 *
 * @throws BpfError `"CORE_RELOCATION"` where the kind does not fit what the path leads to.
 */
export function coreValue(btf: Btf, relocation: CoreRelocation, path: CorePath | undefined): CoreValue {
  switch (relocation.kind) {
    case "field_exists":
    case "type_exists":
    case "type_matches":
    case "enumval_exists":
      return { value: path === undefined ? 0n : 1n, exact: true };
    case "type_id_local":
    case "type_id_target":
      return { value: BigInt(path?.root ?? 0), exact: false };
    case "type_size":
      return { value: path === undefined ? 0n : BigInt(sizeOf(btf, relocation, path.root)), exact: true };
    case "enumval_value":
      return path === undefined ? MISSING : { value: enumerator(btf, path), exact: true };
    default:
      return path === undefined ? MISSING : fieldValue(btf, relocation, path);
  }
}

function sizeOf(btf: Btf, relocation: CoreRelocation, id: TypeId): number {
  const size = btf.size(id);
  if (size === undefined) throw coreError(relocation, `type ${id} (${btf.kind(id)}) has no size`);
  return size;
}

function enumerator(btf: Btf, path: CorePath): bigint {
  const step = path.steps[0]!;
  const type = step.name === undefined ? undefined : btf.type(step.owner);
  if (type === undefined || !isEnum(type)) throw new RangeError("not the path of an enumerator");
  return type.values[step.index]!.value;
}

function fieldValue(btf: Btf, relocation: CoreRelocation, path: CorePath): CoreValue {
  const step = path.steps.at(-1)!;
  if (step.name === undefined) return elementValue(btf, relocation, path, step.element);
  const owner = btf.type(step.owner) as { members: readonly BtfMember[] };
  const member = owner.members[step.index]!;
  const typeId = resolve(btf, member.type);
  const { bitSize } = memberBits(btf, member);
  const size = sizeOf(btf, relocation, typeId);
  const field =
    bitSize > 0 ? bitFieldLoad(relocation, path.bitOffset, bitSize, size) : wholeField(path.bitOffset, size);
  const exact = bitSize === 0;
  switch (relocation.kind) {
    case "field_byte_offset":
      return { value: BigInt(field.byteOffset), exact, access: exact ? loadOf(btf, relocation, typeId) : undefined };
    case "field_byte_size":
      return { value: BigInt(field.byteSize), exact };
    case "field_signed":
      return { value: isSigned(btf, typeId) ? 1n : 0n, exact: true };
    case "field_lshift_u64": {
      const before = path.bitOffset - field.byteOffset * 8;
      // Moves the field's highest bit to bit 63 of a register that the load has filled from below.
      const shift = btf.littleEndian ? 64 - (before + field.bits) : (8 - field.byteSize) * 8 + before;
      return { value: BigInt(shift), exact };
    }
    case "field_rshift_u64":
      return { value: BigInt(64 - field.bits), exact: true };
    default:
      throw coreError(relocation, "not a relocation of a field");
  }
}

function elementValue(btf: Btf, relocation: CoreRelocation, path: CorePath, element: TypeId): CoreValue {
  if (relocation.kind === "field_byte_offset") {
    return { value: BigInt(path.bitOffset / 8), exact: true, access: loadOf(btf, relocation, element) };
  }
  if (relocation.kind === "field_byte_size") return { value: BigInt(sizeOf(btf, relocation, element)), exact: true };
  throw coreError(relocation, "it does not apply to an array's element");
}

/** How a field is loaded: whole bytes that cover it. */
interface FieldLoad {
  readonly byteOffset: number;
  readonly byteSize: number;
  readonly bits: number;
}

function wholeField(bitOffset: number, size: number): FieldLoad {
  return { byteOffset: Math.floor(bitOffset / 8), byteSize: size, bits: size * 8 };
}

/** The smallest aligned load, from the declared type's size on, that covers a bit field. */
function bitFieldLoad(relocation: CoreRelocation, bitOffset: number, bits: number, size: number): FieldLoad {
  for (let byteSize = size; byteSize > 0 && byteSize <= 8; byteSize *= 2) {
    const byteOffset = Math.floor(bitOffset / 8 / byteSize) * byteSize;
    if (bitOffset + bits <= (byteOffset + byteSize) * 8) return { byteOffset, byteSize, bits };
  }
  throw coreError(relocation, "the bit field cannot be read with one load of up to 8 bytes");
}

function isSigned(btf: Btf, id: TypeId): boolean {
  const type = btf.type(id);
  return isEnum(type) ? type.signed : type.kind === "int" && type.encoding === "signed";
}

/** Loads and stores are of an array's elements. */
function loadOf(btf: Btf, relocation: CoreRelocation, id: TypeId): { type: TypeId; size: number } {
  let element = id;
  for (let type = btf.type(element); type.kind === "array"; type = btf.type(element)) element = resolve(btf, type.type);
  return { type: id, size: sizeOf(btf, relocation, element) };
}
