import { mapTypeName } from "../abi/index.js";
import { setKnown } from "./domain/arithmetic.js";
import { isConstant, OBJECT, registerAt, SMIN, TYPE, UMAX, VALUE } from "./domain/register.js";
import { MAP_READ_ONLY_PROGRAM, MAP_WRITE_ONLY_PROGRAM, type VerifierMap } from "./input.js";
import { accessKernelPointer } from "./kernel-pointers.js";
import { fieldsOf, isPointerField, type MapField } from "./map-fields.js";
import type { MemoryAccess } from "./memory-access.js";
import { checkRegion } from "./memory-region.js";
import { SCALAR } from "./pointer-types.js";
import { boundNumber, hidesValue, setUnknownScalar, unsignedNumber } from "./registers.js";
import type { Walk } from "./walk.js";

/** Maps of network devices hand out addresses of their own memory, whatever flags they were made with. */
const alwaysReadOnly: ReadonlySet<string | undefined> = new Set(["devmap", "devmap_hash"]);

/** Must programs not change the map? */
export function isReadOnlyToPrograms(map: VerifierMap): boolean {
  return (map.flags & MAP_READ_ONLY_PROGRAM) !== 0 || alwaysReadOnly.has(mapTypeName(map.type));
}

/** May programs read (or write) the map's values at all? */
export function checkMapMode(walk: Walk, register: number, offset: number, size: number, write: boolean): void {
  const { analysis } = walk;
  const map = mapIn(walk, register);
  const forbidden = write ? isReadOnlyToPrograms(map) : (map.flags & MAP_WRITE_ONLY_PROGRAM) !== 0;
  if (!forbidden) return;
  const what = write ? "write into" : "read from";
  analysis.deny("map_access", `${what} map forbidden, value_size=${map.valueSize} off=${offset} size=${size}`);
}

/** The map that a map pointer or value pointer in a register belongs to. */
export function mapIn(walk: Walk, register: number): VerifierMap {
  const { analysis } = walk;
  return analysis.mapOf(analysis.frame.records[registerAt(register) + OBJECT]!);
}

/** The access lies within the value, and touches none of its special fields unless that is what it is for. */
export function checkMapValueRegion(
  walk: Walk,
  register: number,
  offset: number,
  size: number,
  zeroSizeAllowed: boolean,
  direct: boolean,
): void {
  const { analysis } = walk;
  const map = mapIn(walk, register);
  checkRegion(analysis, register, offset, size, map.valueSize, zeroSizeAllowed);
  const fields = fieldsOf(analysis, map);
  if (fields.length === 0) return;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const start = boundNumber(records, at + SMIN) + offset;
  const end = unsignedNumber(records, at + UMAX) + offset + size;
  for (const field of fields) {
    if (start < field.offset + field.size && field.offset < end) {
      checkFieldAccess(walk, register, field, offset, size, direct);
    }
  }
}

function checkFieldAccess(
  walk: Walk,
  register: number,
  field: MapField,
  offset: number,
  size: number,
  direct: boolean,
): void {
  const { analysis } = walk;
  const name = field.name;
  if (!isPointerField(field)) {
    analysis.deny("map_access", `${name} cannot be accessed directly by load/store`);
  }
  if (!direct) analysis.deny("map_access", `${name} cannot be accessed indirectly by helper`);
  const { records } = analysis.frame;
  const at = registerAt(register);
  if (!isConstant(records, at)) {
    analysis.deny("map_access", `${name} access cannot have variable offset`);
  }
  const place = offset + records[at + VALUE]!;
  if (place !== field.offset) {
    analysis.deny("map_access", `${name} access misaligned expected=${field.offset} off=${place}`);
  }
  if (size !== 8) analysis.deny("map_access", `${name} access size must be BPF_DW`);
}

/** A load or store of a map's value. `offset` includes the pointer's known part. */
export function accessMapValue(walk: Walk, access: MemoryAccess, offset: number): void {
  const { analysis } = walk;
  const { register, size, write, value } = access;
  if (write && value >= 0 && hidesValue(analysis, value)) {
    analysis.deny("pointer_leak", `R${value} leaks addr into map`);
  }
  checkMapMode(walk, register, offset, size, write);
  checkMapValueRegion(walk, register, offset, size, false, true);
  const { records } = analysis.frame;
  const at = registerAt(register);
  const map = mapIn(walk, register);
  const fixed = isConstant(records, at);
  const place = offset + records[at + VALUE]!;
  const field = fixed ? fieldsOf(analysis, map).find((f) => f.offset === place && isPointerField(f)) : undefined;
  if (field !== undefined) {
    accessKernelPointer(walk, access, field);
    return;
  }
  if (write || value < 0) return;
  const target = registerAt(value);
  const constant = fixed ? readConstant(map, place, size, access.signExtends ?? false) : undefined;
  setUnknownScalar(analysis, records, target);
  if (constant === undefined) return;
  records[target + TYPE] = SCALAR;
  setKnown(records, target, constant.lo, constant.hi);
}

/** What a load from a map that can't change any more yields. */
function readConstant(
  map: VerifierMap,
  offset: number,
  size: number,
  signExtends: boolean,
): { lo: number; hi: number } | undefined {
  if (map.frozen !== true || (map.flags & MAP_READ_ONLY_PROGRAM) === 0 || map.contents === undefined) return undefined;
  if (map.type !== MAP_TYPE_ARRAY || map.maxEntries !== 1) return undefined;
  let lo = 0;
  let hi = 0;
  for (let i = 0; i < size; i++) {
    const byte = map.contents[offset + i] ?? 0;
    if (i < 4) lo |= byte << (8 * i);
    else hi |= byte << (8 * (i - 4));
  }
  if (signExtends && size < 8) {
    const shift = 32 - 8 * size;
    lo = (lo << shift) >> shift;
    hi = lo >> 31;
  }
  return { lo, hi };
}

const MAP_TYPE_ARRAY = 2;
