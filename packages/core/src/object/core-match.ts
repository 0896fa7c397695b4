import { type Btf, type BtfMember, essentialName, memberBits, resolve, type TypeId } from "../btf/index.js";
import type { CoreRelocation } from "../spec/index.js";
import { fieldsCompatible, isEnum, typesCompatible, typesMatch } from "./core-compatibility.js";
import { type CorePath, type CoreStep, isEnumRelocation, isFlexible, isTypeRelocation } from "./core-path.js";

/**
 * Finds in the target type `root` what `path` names in the local graph: members by name, wherever they moved to, through
 * anonymous structs and unions; indices as they are. Undefined where the target has no such thing.
 *
 * @throws TooDeep
 */
export function targetPath(
  local: Btf,
  path: CorePath,
  kind: CoreRelocation["kind"],
  target: Btf,
  root: TypeId,
): CorePath | undefined {
  if (isTypeRelocation(kind)) {
    const compatible = kind === "type_matches" ? typesMatch : typesCompatible;
    return compatible(local, path.root, target, root) ? { root, steps: [], bitOffset: 0 } : undefined;
  }
  return isEnumRelocation(kind) ? enumeratorPath(path, target, root) : fieldPath(local, path, target, root);
}

function enumeratorPath(path: CorePath, target: Btf, root: TypeId): CorePath | undefined {
  const owner = resolve(target, root);
  const type = target.type(owner);
  if (!isEnum(type)) return undefined;
  const wanted = essentialName(path.steps[0]!.name!);
  const index = type.values.findIndex((value) => essentialName(value.name) === wanted);
  if (index < 0) return undefined;
  return { root, steps: [{ name: type.values[index]!.name, owner, index }], bitOffset: 0 };
}

function fieldPath(local: Btf, path: CorePath, target: Btf, root: TypeId): CorePath | undefined {
  const steps: CoreStep[] = [];
  let id = resolve(target, root);
  let bitOffset = 0;
  for (const step of path.steps) {
    if (step.name === undefined) {
      const element = steps.length === 0 ? id : elementType(target, id, steps.at(-1)!, step.index);
      const size = element === undefined ? undefined : target.size(element);
      if (element === undefined || size === undefined) return undefined;
      bitOffset += step.index * size * 8;
      steps.push({ name: undefined, element, index: step.index });
      id = element;
      continue;
    }
    const found = findNamed(target, id, step.name, 0, new Set());
    if (found === undefined) return undefined;
    const owner = local.type(step.owner);
    const member = (owner as { members: readonly BtfMember[] }).members[step.index]!;
    if (!fieldsCompatible(local, member.type, target, found.member.type)) return undefined;
    steps.push({ name: step.name, owner: found.owner, index: found.index });
    bitOffset += found.bitOffset;
    id = resolve(target, found.member.type);
  }
  return { root, steps, bitOffset };
}

function elementType(target: Btf, id: TypeId, reachedBy: CoreStep, index: number): TypeId | undefined {
  const array = target.type(id);
  if (array.kind !== "array") return undefined;
  if (index >= array.length && !isFlexible(target, reachedBy, array.length)) return undefined;
  return resolve(target, array.type);
}

interface Found {
  readonly owner: TypeId;
  readonly index: number;
  readonly member: BtfMember;
  /** From the start of the type that was searched. */
  readonly bitOffset: number;
}

/** `seen` holds the anonymous types that were searched in vain, so that none is searched twice. */
function findNamed(btf: Btf, id: TypeId, name: string, base: number, seen: Set<TypeId>): Found | undefined {
  const type = btf.type(id);
  if (type.kind !== "struct" && type.kind !== "union") return undefined;
  for (const [index, member] of type.members.entries()) {
    const bitOffset = base + memberBits(btf, member).bitOffset;
    if (member.name === name) return { owner: id, index, member, bitOffset };
    if (member.name !== "") continue;
    const inner = resolve(btf, member.type);
    if (seen.has(inner)) continue;
    seen.add(inner);
    const found = findNamed(btf, inner, name, bitOffset, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
