import type { BtfType, TypeId } from "./types.js";

/** The ids that a type refers to, in the order of the format; an array's element before its index type. */
export function typeIdsOf(type: BtfType): TypeId[] {
  switch (type.kind) {
    case "array":
      return [type.type, type.indexType];
    case "struct":
    case "union":
      return type.members.map((member) => member.type);
    case "func_proto":
      return [type.returns, ...type.params.map((param) => param.type)];
    case "datasec":
      return type.variables.map((variable) => variable.type);
    default:
      return "type" in type ? [type.type] : [];
  }
}

/** The same type with other ids. */
export function mapTypeIds(type: BtfType, map: (id: TypeId) => TypeId): BtfType {
  const mapped = <T extends { readonly type: TypeId }>(each: T): T => ({ ...each, type: map(each.type) });
  switch (type.kind) {
    case "array":
      return { ...type, type: map(type.type), indexType: map(type.indexType) };
    case "struct":
    case "union":
      return { ...type, members: type.members.map(mapped) };
    case "func_proto":
      return { ...type, returns: map(type.returns), params: type.params.map(mapped) };
    case "datasec":
      return { ...type, variables: type.variables.map(mapped) };
    default:
      return "type" in type ? mapped(type) : type;
  }
}
