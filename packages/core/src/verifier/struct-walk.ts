import { EFAULT } from "../abi/index.js";
import { type Btf, type BtfMember, type BtfType, resolve, type TypeId } from "../btf/index.js";
import { type Analysis, Rejection } from "./analysis.js";
import { PERCPU, RCU, UNTRUSTED, USER_MEM } from "./pointer-types.js";

/** What an access to a struct reaches. */
export type StructPlace =
  | { readonly kind: "scalar" }
  /** A pointer to a struct; `flags` as of a register's type. */
  | { readonly kind: "pointer"; readonly typeId: TypeId; readonly flags: number; readonly member: string }
  /** A pointer to something else. */
  | { readonly kind: "memory" }
  /** The start of a struct within. */
  | { readonly kind: "struct"; readonly typeId: TypeId };

const scalar: StructPlace = { kind: "scalar" };
const memory: StructPlace = { kind: "memory" };

const tagFlags: Readonly<Record<string, number>> = { user: USER_MEM, percpu: PERCPU, rcu: RCU };

/** A member's type, with what an array is made of. */
interface MemberType {
  readonly type: BtfType;
  readonly typeId: TypeId;
  /** Bytes of the whole member. */
  readonly size: number;
  /** Elements, all dimensions of an array together. */
  readonly elements: number;
}

/**
 * Goes down from a struct to what lies `offset` bytes from its start, one level at a time: an object made for one
 * access, which collects what the ways through unions make of pointers.
 */
export class StructWalk {
  readonly #analysis: Analysis;
  readonly #btf: Btf;
  /** {@link UNTRUSTED} once the way led through a union. */
  flags = 0;

  constructor(analysis: Analysis, btf: Btf) {
    this.#analysis = analysis;
    this.#btf = btf;
  }

  /** What `size` bytes at `offset` are; ends the analysis where they are nothing that can be read. */
  enter(typeId: TypeId, offset: number, size: number): StructPlace {
    const analysis = this.#analysis;
    const type = this.#btf.type(resolve(this.#btf, typeId));
    const name = "name" in type ? type.name : "";
    if (type.kind !== "struct" && type.kind !== "union") {
      return analysis.invalid("memory_access", `Type '${name}' is not a struct`);
    }
    if (type.kind === "union" && type.members.length !== 1) this.flags |= UNTRUSTED;
    if (offset + size > type.size) return this.#beyond(type, name, offset, size);
    for (const member of type.members) {
      const start = member.bitOffset >>> 3;
      if (offset + size <= start) break;
      if (member.bitSize !== 0) {
        const end = Math.ceil((member.bitOffset + member.bitSize) / 8);
        if (offset <= start && end <= offset + size) return scalar;
        continue;
      }
      if (offset < start) break;
      const place = this.#inMember(name, member, start, offset, size);
      if (place !== undefined) return place;
    }
    return analysis.invalid("memory_access", `struct ${name} doesn't have field at offset ${offset}`);
  }

  /** A last member without a length goes on for ever. */
  #beyond(type: { readonly members: readonly BtfMember[] }, name: string, offset: number, size: number): StructPlace {
    const btf = this.#btf;
    const last = type.members.at(-1);
    const array = last === undefined ? undefined : btf.type(resolve(btf, last.type));
    const start = (last?.bitOffset ?? 0) >>> 3;
    if (array?.kind === "array" && array.length === 0 && offset >= start) {
      const elementId = resolve(btf, array.type);
      const element = btf.type(elementId);
      if (element.kind === "int") return scalar;
      const elementSize = btf.size(elementId) ?? 0;
      if ((element.kind === "struct" || element.kind === "union") && elementSize > 0) {
        return this.enter(elementId, (offset - start) % elementSize, size);
      }
    }
    return this.#analysis.deny("memory_access", `access beyond struct ${name} at off ${offset} size ${size}`);
  }

  /** Undefined where the access is behind the member. */
  #inMember(struct: string, member: BtfMember, start: number, offset: number, size: number): StructPlace | undefined {
    const analysis = this.#analysis;
    const found = this.#memberType(member);
    const end = start + found.size;
    if (offset >= end) return undefined;
    // Elements of an array count as members in a row; numbers in a row as one piece.
    const elementSize = found.size / found.elements;
    const at = start + Math.floor((offset - start) / elementSize) * elementSize;
    const { type } = found;
    if (type.kind === "struct" || type.kind === "union") {
      if (offset === at) return { kind: "struct", typeId: found.typeId };
      return this.enter(found.typeId, offset - at, size);
    }
    if (type.kind === "ptr") {
      if (elementSize !== size || offset !== at) {
        return analysis.deny(
          "memory_access",
          `cannot access ptr member ${member.name} with moff ${at} in struct ${struct || "(anon)"} with off ${offset} size ${size}`,
        );
      }
      return this.#pointer(type.type, member.name);
    }
    if (offset + size > end && (this.flags & UNTRUSTED) === 0) {
      return analysis.deny(
        "memory_access",
        `access beyond the end of member ${member.name} (mend:${end}) in struct ${struct || "(anon)"} with off ${offset} size ${size}`,
      );
    }
    return scalar;
  }

  #pointer(pointee: TypeId, member: string): StructPlace {
    const btf = this.#btf;
    const tagged = btf.type(pointee);
    const flag = tagged.kind === "type_tag" && tagged.attribute !== true ? (tagFlags[tagged.name] ?? 0) : 0;
    const typeId = resolve(btf, pointee);
    const target = btf.type(typeId);
    if (target.kind !== "struct" && target.kind !== "union") return memory;
    return { kind: "pointer", typeId, flags: this.flags | flag, member };
  }

  #memberType(member: BtfMember): MemberType {
    const btf = this.#btf;
    let typeId = resolve(btf, member.type);
    let elements = 1;
    let isArray = false;
    for (let type = btf.type(typeId); type.kind === "array"; type = btf.type(typeId)) {
      elements *= type.length;
      isArray = true;
      typeId = resolve(btf, type.type);
    }
    const type = btf.type(typeId);
    const elementSize = btf.size(typeId);
    if (elementSize === undefined) {
      return this.#analysis.reject("memory_access", EFAULT, `field ${member.name} doesn't have size`);
    }
    if (isArray && elements === 0) return { type, typeId, size: 0, elements: 1 };
    return { type, typeId, size: elementSize * elements, elements };
  }
}

/** The innermost place that an access reaches: structs at its very offset are entered, too. */
export function walkStruct(analysis: Analysis, btf: Btf, typeId: TypeId, offset: number, size: number): StructPlace {
  const walk = new StructWalk(analysis, btf);
  let place = walk.enter(typeId, offset, size);
  while (place.kind === "struct") place = walk.enter(place.typeId, 0, size);
  return place;
}

/** Is an object of the type wanted, or one with such an object at `offset`, where it need not be the very type? */
export function isOfType(
  analysis: Analysis,
  object: number,
  typeId: TypeId,
  offset: number,
  wantedObject: number,
  wantedId: TypeId,
  strict: boolean,
): boolean {
  if (offset === 0 && object === wantedObject && typeId === wantedId) return true;
  if (strict) return false;
  const walk = new StructWalk(analysis, analysis.typesOf(object));
  let at = offset;
  let id = typeId;
  for (;;) {
    const inner = structAt(walk, id, at);
    if (inner === undefined) return false;
    if (object === wantedObject && inner === wantedId) return true;
    id = inner;
    at = 0;
  }
}

/** The struct that starts at an offset of another; undefined, and why in the log, where there is none. */
function structAt(walk: StructWalk, typeId: TypeId, offset: number): TypeId | undefined {
  try {
    const place = walk.enter(typeId, offset, 1);
    return place.kind === "struct" ? place.typeId : undefined;
  } catch (error) {
    if (error instanceof Rejection) return undefined;
    throw error;
  }
}

/** The kernel's struct of a name. */
export function kernelStruct(analysis: Analysis, name: string): TypeId {
  const [id] = analysis.kernelTypes?.find(name, "struct") ?? [];
  return id ?? analysis.notModelled(`struct ${name} without the kernel's types`);
}
