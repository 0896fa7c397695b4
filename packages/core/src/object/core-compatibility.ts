import {
  type Btf,
  type BtfEnum,
  type BtfFuncProto,
  type BtfType,
  essentialName,
  resolve,
  type TypeId,
} from "../btf/index.js";

/*
 * When two types of different kernels are the same type to CO-RE: the rules that libbpf documents beside its relocations,
 * of which there are three. Fields may differ in much; types that are looked up by name in little; `type_matches` wants
 * the same shape.
 */

/** How deep the rules look through pointers, arrays and prototypes; libbpf gives up there too. */
const MAX_DEPTH = 32;

/** Thrown by value, never out of this room: the types are nested too deeply to compare. */
export class TooDeep extends Error {}

/** Two kinds that may stand for each other: the same, or both enums. */
export function kindsCompatible(local: BtfType, target: BtfType): boolean {
  return local.kind === target.kind || (isEnum(local) && isEnum(target));
}

export function isEnum(type: BtfType): type is BtfEnum {
  return type.kind === "enum" || type.kind === "enum64";
}

function isComposite(type: BtfType): type is Extract<BtfType, { kind: "struct" | "union" }> {
  return type.kind === "struct" || type.kind === "union";
}

/**
 * Whether a field may have moved to one of another type: integers and floats of any size, any pointers, structs and unions
 * of any name, enums of one name, arrays of such.
 */
export function fieldsCompatible(local: Btf, localId: TypeId, target: Btf, targetId: TypeId): boolean {
  let a = local.type(resolve(local, localId));
  let b = target.type(resolve(target, targetId));
  while (a.kind === "array" && b.kind === "array") {
    a = local.type(resolve(local, a.type));
    b = target.type(resolve(target, b.type));
  }
  if (isComposite(a) && isComposite(b)) return true;
  if (!kindsCompatible(a, b)) return false;
  if (a.kind === "ptr" || a.kind === "float") return true;
  if (a.kind === "int" && b.kind === "int") return a.bitOffset === 0 && b.bitOffset === 0;
  if (a.kind === "fwd" || isEnum(a)) {
    const [x, y] = [essentialName(a.name), essentialName((b as typeof a).name)];
    return x === "" || y === "" || x === y;
  }
  return false;
}

/**
 * Whether a type that has the right name is the one: of the same kind, and pointers, arrays and prototypes of such. Sizes,
 * members and names behind pointers are not looked at.
 *
 * @throws TooDeep
 */
export function typesCompatible(local: Btf, localId: TypeId, target: Btf, targetId: TypeId): boolean {
  if (!kindsCompatible(local.type(localId), target.type(targetId))) return false;
  return shapesCompatible(local, localId, target, targetId, 0);
}

function shapesCompatible(local: Btf, localId: TypeId, target: Btf, targetId: TypeId, depth: number): boolean {
  if (depth > MAX_DEPTH) throw new TooDeep();
  const a = local.type(resolve(local, localId));
  const b = target.type(resolve(target, targetId));
  if (!kindsCompatible(a, b)) return false;
  const same = (x: TypeId, y: TypeId) => shapesCompatible(local, x, target, y, depth + 1);
  switch (a.kind) {
    case "int":
      return b.kind === "int" && a.bitOffset === 0 && b.bitOffset === 0;
    case "ptr":
    case "array":
      return same(a.type, (b as typeof a).type);
    case "func_proto":
      return prototypesAgree(a, b as BtfFuncProto, same);
    case "void":
    case "struct":
    case "union":
    case "enum":
    case "enum64":
    case "fwd":
      return true;
    default:
      return false;
  }
}

function prototypesAgree(a: BtfFuncProto, b: BtfFuncProto, same: (x: TypeId, y: TypeId) => boolean): boolean {
  if (a.params.length !== b.params.length) return false;
  return a.params.every((param, i) => same(param.type, b.params[i]!.type)) && same(a.returns, b.returns);
}

/**
 * Whether the target type has all that the local one has (`bpf_core_type_matches`): each member by name and with a
 * matching type, each enumerator by name, integers of one size and sign, arrays of one length. Behind a pointer, structs
 * need only have the same name, and a forward declaration is as good.
 *
 * @throws TooDeep
 */
export function typesMatch(local: Btf, localId: TypeId, target: Btf, targetId: TypeId): boolean {
  return new Match(local, target).types(localId, targetId, false, 0);
}

class Match {
  readonly #local: Btf;
  readonly #target: Btf;
  /** What was decided already; types that contain each other many times would otherwise take exponential time. */
  readonly #known = new Map<string, boolean>();

  constructor(local: Btf, target: Btf) {
    this.#local = local;
    this.#target = target;
  }

  types(localId: TypeId, targetId: TypeId, behindPointer: boolean, depth: number): boolean {
    if (depth > MAX_DEPTH) throw new TooDeep();
    const x = resolve(this.#local, localId);
    const y = resolve(this.#target, targetId);
    const key = `${x} ${y} ${behindPointer}`;
    let result = this.#known.get(key);
    if (result === undefined) {
      result = this.#compare(this.#local.type(x), this.#target.type(y), behindPointer, depth);
      this.#known.set(key, result);
    }
    return result;
  }

  #compare(a: BtfType, b: BtfType, behindPointer: boolean, depth: number): boolean {
    if (!namesMatch(nameOf(a), nameOf(b))) return false;
    const same = (x: TypeId, y: TypeId) => this.types(x, y, behindPointer, depth + 1);
    if (isEnum(a)) return isEnum(b) && enumsMatch(a, b);
    if (a.kind === "struct" || a.kind === "union") {
      if (a.kind !== b.kind) return behindPointer && b.kind === "fwd" && b.of === a.kind;
      return behindPointer || this.#members(a, b as typeof a, depth);
    }
    if (a.kind === "fwd") return b.kind === "fwd" ? a.of === b.of : behindPointer && b.kind === a.of;
    if (a.kind !== b.kind) return false;
    switch (a.kind) {
      case "void":
        return true;
      case "int": {
        const other = b as typeof a;
        return a.size === other.size && (a.encoding === "signed") === (other.encoding === "signed");
      }
      case "ptr":
        return this.types(a.type, (b as typeof a).type, true, depth + 1);
      case "array":
        return a.length === (b as typeof a).length && same(a.type, (b as typeof a).type);
      case "func_proto":
        return prototypesAgree(a, b as BtfFuncProto, same);
      default:
        return false;
    }
  }

  #members(
    a: Extract<BtfType, { kind: "struct" | "union" }>,
    b: Extract<BtfType, { kind: "struct" | "union" }>,
    depth: number,
  ): boolean {
    if (a.members.length > b.members.length) return false;
    return a.members.every((member) =>
      b.members.some(
        (other) => namesMatch(member.name, other.name) && this.types(member.type, other.type, false, depth + 1),
      ),
    );
  }
}

function enumsMatch(a: BtfEnum, b: BtfEnum): boolean {
  if (a.size !== b.size || a.values.length > b.values.length) return false;
  const names = new Set(b.values.map((value) => essentialName(value.name)));
  return a.values.every((value) => names.has(essentialName(value.name)));
}

function nameOf(type: BtfType): string {
  return "name" in type ? type.name : "";
}

function namesMatch(local: string, target: string): boolean {
  return essentialName(local) === essentialName(target);
}
