import type { HelperPrototype } from "../abi/index.js";
import type { TypeId } from "../btf/index.js";
import type { VerifierMap } from "./input.js";
import type { MapField } from "./map-fields.js";
import type { RawAccess } from "./stack-access.js";

/** A pointer that lies in a map's value or in an object: the field, and what it points to. */
export interface PointerField {
  readonly field: MapField;
  /** As of a record. */
  readonly object: number;
  readonly typeId: TypeId;
}

/** What is known of a dynptr that a call is given. */
export interface KnownDynptr {
  readonly id: number;
  /** Index of the kind. */
  readonly number: number;
  readonly reference: number;
}

/** What the arguments of one call turned out to be. */
export interface CallArguments {
  readonly prototype: HelperPrototype;
  map: VerifierMap | undefined;
  /** The map's object number. */
  mapObject: number;
  mapUid: number;
  /** A lookup's key, where it is known and the map an array; else -1. */
  constantKey: number;
  /** Register of the argument that the call gives away. */
  releases: number;
  reference: number;
  /** Size that an allocating call was asked for. */
  allocated: number;
  /** Greatest value of the size argument. */
  sizeLimit: number;
  subprogram: number;
  /** The field that bpf_kptr_xchg works on. */
  pointerField: PointerField | undefined;
  /** A per-CPU pointer argument: whose types, and its type. */
  perCpuObject: number;
  perCpuType: number;
  /** ... which is of an object that the program allocated. */
  perCpuAllocated: boolean;
  /** The dynptr that the result is a piece of. */
  dynptr: KnownDynptr | undefined;
  /** A constant string, a character a byte. */
  format: string;
  changesPacket: boolean;
  readonly raw: RawAccess;
}

/** Before any argument is looked at. */
export function newCallArguments(prototype: HelperPrototype): CallArguments {
  return {
    prototype,
    map: undefined,
    mapObject: 0,
    mapUid: 0,
    constantKey: -1,
    releases: 0,
    reference: 0,
    allocated: 0,
    sizeLimit: 0,
    subprogram: 0,
    pointerField: undefined,
    perCpuObject: 0,
    perCpuType: 0,
    perCpuAllocated: false,
    dynptr: undefined,
    format: "",
    changesPacket: false,
    raw: { register: 0, size: 0 },
  };
}
