import type { Btf } from "./btf.js";
import { isRegularInt, memberProblem } from "./check-members.js";
import { isKernelIdentifier, isSectionName } from "./check-names.js";
import { firstUnresolvable, MAX_DEPTH } from "./check-resolution.js";
import { isModifier, resolve } from "./graph.js";
import type {
  BtfArray,
  BtfDatasec,
  BtfDeclTag,
  BtfFunc,
  BtfFuncProto,
  BtfModifier,
  BtfType,
  BtfTypeTag,
  BtfVar,
  TypeId,
} from "./types.js";

/** Why a kernel refuses BTF. */
export interface BtfProblem {
  readonly typeId: TypeId;
  /** In the words of the kernel's log, which come first. */
  readonly message: string;
}

/**
 * Checks a graph as BPF_BTF_LOAD does (Linux 6.18): names, sizes, members within their structs, variables within their
 * sections, prototypes and tags that fit what they belong to, chains that the kernel's stack of 32 resolves. One problem
 * for each type that has any; none means that the kernel takes it. Of split BTF its own types.
 */
export function checkBtf(btf: Btf): BtfProblem[] {
  if (btf.length === btf.firstId && btf.base === undefined) return [{ typeId: 0, message: "No type found" }];
  const problems: BtfProblem[] = [];
  const unresolvable = firstUnresolvable(btf);
  for (let id = btf.firstId; id < btf.length; id++) {
    const tooDeep = id === unresolvable ? `Exceeded max resolving depth:${MAX_DEPTH}` : undefined;
    const message = typeProblem(btf, id, btf.type(id)) ?? tooDeep;
    if (message !== undefined) problems.push({ typeId: id, message });
  }
  return problems;
}

function typeProblem(btf: Btf, id: TypeId, type: BtfType): string | undefined {
  switch (type.kind) {
    case "int":
      return type.bits + type.bitOffset > 128 ? "nr_bits exceeds 128" : undefined;
    case "struct":
    case "union":
      if (type.name !== "" && !isKernelIdentifier(type.name)) return "Invalid name";
      return memberProblem(btf, type);
    case "enum":
    case "enum64":
      if (type.size === 0) return "Unexpected size";
      if (type.name !== "" && !isKernelIdentifier(type.name)) return "Invalid name";
      return type.values.every((value) => isKernelIdentifier(value.name)) ? undefined : "Invalid name";
    case "fwd":
      return isKernelIdentifier(type.name) ? undefined : "Invalid name";
    case "array":
      return arrayProblem(btf, type);
    case "ptr":
      return isTarget(btf, type.type) ? undefined : "Invalid type_id";
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
      return modifierProblem(btf, id, type);
    case "func":
      return funcProblem(btf, type);
    case "func_proto":
      return prototypeProblem(btf, type);
    case "var":
      return variableProblem(btf, type);
    case "datasec":
      return sectionProblem(btf, type);
    case "decl_tag":
      return declTagProblem(btf, type);
    default:
      return undefined;
  }
}

/** What a pointer or qualifier may lead to: a type with values, void, a forward declaration or a prototype. */
function isTarget(btf: Btf, id: TypeId): boolean {
  const { kind } = btf.type(id);
  if (kind === "var" || kind === "datasec" || kind === "decl_tag") return false;
  return isValued(btf, id) || ["void", "fwd", "func_proto"].includes(btf.kind(resolve(btf, id)));
}

/** A type that a value can have. */
function isValued(btf: Btf, id: TypeId): boolean {
  const { kind } = btf.type(id);
  return kind !== "var" && kind !== "datasec" && btf.size(id) !== undefined;
}

function modifierProblem(btf: Btf, id: TypeId, type: BtfModifier | BtfTypeTag): string | undefined {
  const named =
    type.kind === "typedef" ? isKernelIdentifier(type.name) : (type.name !== "") === (type.kind === "type_tag");
  if (!named) return "Invalid name";
  return isTarget(btf, type.type) ? tagProblem(btf, id) : "Invalid type_id";
}

/** Type tags stand between a pointer and everything else of what it points at. */
function tagProblem(btf: Btf, id: TypeId): string | undefined {
  let at = id;
  let behind = btf.kind(id) !== "type_tag";
  for (let links = 0; ; links++) {
    const type = btf.type(at);
    if (!isModifier(type)) return undefined;
    if (links === MAX_DEPTH) return "Max chain length or cycle detected";
    if (type.kind !== "type_tag") behind = true;
    else if (behind) return "Type tags don't precede modifiers";
    // From an earlier type on, the chain was walked before.
    if (at < id) return undefined;
    at = type.type;
  }
}

function arrayProblem(btf: Btf, type: BtfArray): string | undefined {
  const index = btf.type(resolve(btf, type.indexType));
  if (index.kind !== "int" || !isRegularInt(index)) return "Invalid index";
  if (!isValued(btf, type.type)) return "Invalid elem";
  const element = btf.type(resolve(btf, type.type));
  return element.kind === "int" && !isRegularInt(element) ? "Invalid array of int" : undefined;
}

function prototypeProblem(btf: Btf, type: BtfFuncProto): string | undefined {
  if (type.returns !== 0 && !isValued(btf, type.returns)) return "Invalid return type";
  const bad = type.params.findIndex(({ name, type: id }, i) => {
    if (id === 0) return name !== "" || i < type.params.length - 1;
    return !isValued(btf, id) || (name !== "" && !isKernelIdentifier(name));
  });
  return bad < 0 ? undefined : `Invalid arg#${bad + 1}`;
}

function funcProblem(btf: Btf, type: BtfFunc): string | undefined {
  if (!isKernelIdentifier(type.name)) return "Invalid name";
  if (type.linkage === "extern") return "Invalid func linkage";
  const prototype = btf.type(type.type);
  if (prototype.kind !== "func_proto") return "Invalid type_id";
  const unnamed = prototype.params.findIndex((param) => param.name === "" && param.type !== 0);
  return unnamed < 0 ? undefined : `Invalid arg#${unnamed + 1}`;
}

function variableProblem(btf: Btf, type: BtfVar): string | undefined {
  if (!isKernelIdentifier(type.name)) return "Invalid name";
  if (type.linkage === "extern") return "Linkage not supported";
  return isValued(btf, type.type) ? undefined : "Invalid type_id";
}

function sectionProblem(btf: Btf, type: BtfDatasec): string | undefined {
  if (type.size === 0) return "size == 0";
  if (!isSectionName(type.name)) return "Invalid name";
  let end = 0;
  for (const [i, variable] of type.variables.entries()) {
    const { type: id, offset, size } = variable;
    const target = btf.type(id);
    const at = (message: string) => `variable ${i}: ${message}`;
    if (id === 0) return at("Invalid type_id");
    if (offset < end || offset >= type.size) return at("Invalid offset");
    if (size === 0 || size > type.size) return at("Invalid size");
    end = offset + size;
    if (end > type.size) return at("Invalid offset+size");
    if (target.kind !== "var") return at("Not a VAR kind member");
    if (size < (btf.size(target.type) ?? 0)) return at("Invalid size");
  }
  return undefined;
}

function declTagProblem(btf: Btf, type: BtfDeclTag): string | undefined {
  if (type.name === "") return "Invalid value";
  const target = btf.type(type.type);
  const parts = partsOf(btf, target);
  if (parts === undefined) return "Invalid type_id";
  return type.component === -1 || type.component < parts ? undefined : "Invalid component_idx";
}

/** How many parts of a type a decl tag may belong to; undefined for types that have no decl tags. */
function partsOf(btf: Btf, type: BtfType): number | undefined {
  switch (type.kind) {
    case "struct":
    case "union":
      return type.members.length;
    case "func": {
      const prototype = btf.type(type.type);
      return prototype.kind === "func_proto" ? prototype.params.length : 0;
    }
    case "var":
    case "typedef":
      return 0;
    default:
      return undefined;
  }
}
