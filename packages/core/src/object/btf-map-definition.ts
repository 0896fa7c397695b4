import { isMapType, type MapType, mapTypeName } from "../abi/index.js";
import { FormatError } from "../base/index.js";
import { type Btf, type BtfMember, resolve, type TypeId } from "../btf/index.js";
import { createMap, type MapSpec } from "../spec/index.js";

/** Slots of a map's initial value, which relocations of `.maps` fill. */
export interface MapSlots {
  readonly kind: "map" | "program";
  /** Bytes from the start of the definition to the first slot. */
  readonly offset: number;
}

export interface MapDefinition {
  readonly map: MapSpec;
  readonly slots: MapSlots | undefined;
}

/** Inner maps have no inner maps. */
const MAX_DEPTH = 2;

/**
 * A map as `.maps` describes it: a struct whose members carry their numbers in their types. `__uint(max_entries, 8)` is
 * a pointer to an array of 8, `__type(key, u32)` a pointer to a u32, `__ulong(map_extra, ...)` an enum of one value.
 *
 * @param typeId type of the variable in `.maps`
 * @throws FormatError for a definition that isn't one
 * @see https://docs.kernel.org/bpf/btf.html#bpf-map-create
 */
export function readMapDefinition(btf: Btf, typeId: TypeId, name: string, depth = 0): MapDefinition {
  const fail = (message: string): never => {
    throw new FormatError(`map ${name}: ${message}`, { section: ".maps" });
  };
  const struct = btf.type(resolve(btf, typeId));
  if (struct.kind !== "struct") return fail(`it is defined by a ${struct.kind}, not by a struct`);
  let type: MapType | undefined;
  let slots: MapSlots | undefined;
  const map = createMap({ name, type: "array" });
  const attributes: Record<string, (member: BtfMember) => void> = {
    type: (member) => {
      const number = readNumber(btf, member, fail);
      type = mapTypeName(number) ?? fail(`map type ${number} is unknown`);
    },
    max_entries: (member) => (map.maxEntries = readNumber(btf, member, fail)),
    map_flags: (member) => (map.flags = readNumber(btf, member, fail)),
    numa_node: (member) => (map.numaNode = readNumber(btf, member, fail)),
    map_extra: (member) => (map.mapExtra = readLong(btf, member, fail)),
    pinning: (member) => (map.pinning = readPinning(readNumber(btf, member, fail), fail)),
    key_size: (member) => (map.keySize = sameSize("key", map.keySize, readNumber(btf, member, fail), fail)),
    value_size: (member) => (map.valueSize = sameSize("value", map.valueSize, readNumber(btf, member, fail), fail)),
    key: (member) => {
      map.keyTypeId = pointee(btf, member, fail);
      map.keySize = sameSize("key", map.keySize, btf.size(map.keyTypeId) ?? fail("the key has no size"), fail);
    },
    value: (member) => {
      map.valueTypeId = pointee(btf, member, fail);
      const size = btf.size(map.valueTypeId) ?? fail("the value has no size");
      map.valueSize = sameSize("value", map.valueSize, size, fail);
    },
    values: (member) => {
      if (depth + 1 >= MAX_DEPTH) return fail("an inner map has inner values itself");
      const array = btf.type(resolve(btf, member.type));
      const target = array.kind === "array" ? btf.type(resolve(btf, array.type)) : undefined;
      if (target?.kind !== "ptr") return fail("values isn't an array of pointers");
      const inner = btf.type(resolve(btf, target.type));
      slots = { kind: inner.kind === "func_proto" ? "program" : "map", offset: member.bitOffset / 8 };
      map.valueSize = sameSize("value", map.valueSize, 4, fail);
      if (inner.kind === "struct") map.inner = readMapDefinition(btf, target.type, `${name}.inner`, depth + 1).map;
    },
  };
  for (const member of struct.members) {
    const read = Object.hasOwn(attributes, member.name) ? attributes[member.name]! : undefined;
    if (read === undefined) return fail(`attribute "${member.name}" is unknown`);
    read(member);
  }
  if (type === undefined || !isMapType(type)) return fail("it has no type");
  map.type = type;
  if (slots?.kind === "map" && type !== "array_of_maps" && type !== "hash_of_maps") fail(`${type} can't hold maps`);
  if (slots?.kind === "program" && type !== "prog_array") fail(`${type} can't hold programs`);
  return { map, slots };
}

type Fail = (message: string) => never;

function pointee(btf: Btf, member: BtfMember, fail: Fail): TypeId {
  const pointer = btf.type(resolve(btf, member.type));
  return pointer.kind === "ptr" ? pointer.type : fail(`${member.name} isn't a pointer`);
}

/** `int (*name)[number]` */
function readNumber(btf: Btf, member: BtfMember, fail: Fail): number {
  const array = btf.type(resolve(btf, pointee(btf, member, fail)));
  return array.kind === "array" ? array.length : fail(`${member.name} isn't a pointer to an array`);
}

/** As {@link readNumber}, or `enum { anything = number } name` for 64 bits. */
function readLong(btf: Btf, member: BtfMember, fail: Fail): bigint {
  const type = btf.type(resolve(btf, member.type));
  if (type.kind !== "enum" && type.kind !== "enum64") return BigInt(readNumber(btf, member, fail));
  const value = type.values[0]?.value ?? fail(`${member.name} is an enum without a value`);
  return BigInt.asUintN(64, value);
}

function readPinning(number: number, fail: Fail): MapSpec["pinning"] {
  if (number > 1) return fail(`pinning ${number} is unknown`);
  return number === 1 ? "by_name" : "none";
}

function sameSize(what: string, known: number, size: number, fail: Fail): number {
  return known === 0 || known === size ? size : fail(`its ${what} has both ${known} and ${size} bytes`);
}
