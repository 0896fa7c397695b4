import type { BtfType } from "./types.js";

/** What a kernel's BTF knows. Each came with a release; distributions bring some to older ones, so hosts try. */
export interface BtfFeatures {
  /** func and func_proto. Since Linux 5.0. */
  readonly functions: boolean;
  /** var and datasec. Since 5.2. */
  readonly datasec: boolean;
  /** Functions with global linkage. Since 5.6. */
  readonly globalFunctions: boolean;
  /** Since 5.13. */
  readonly float: boolean;
  /** Since 5.16. */
  readonly declTags: boolean;
  /** Since 5.17. */
  readonly typeTags: boolean;
  /** enum64, and enums that say whether they are signed. Since 6.0. */
  readonly enum64: boolean;
  /** Tags that are whole attributes. Since 6.14. */
  readonly attributes: boolean;
}

/**
 * A type as a kernel that lacks `features` can have it: of the same size where it has one, and under the same id, so that
 * whatever refers to it still may. What programs need of it (the size of map values, say) stays; names may go.
 */
export function downgradeType(type: BtfType, features: BtfFeatures): BtfType {
  switch (type.kind) {
    case "float":
      // Without the name, which may be "long double" or a keyword.
      return features.float ? type : { kind: "struct", name: "", size: type.size, members: [] };
    case "enum":
      return features.enum64 || !type.signed ? type : { ...type, signed: false, values: type.values.map(unsigned) };
    case "enum64":
      return features.enum64 ? type : { kind: "union", name: type.name, size: type.size, members: [] };
    case "type_tag":
      if (!features.typeTags) return { kind: "const", name: "", type: type.type };
      return type.attribute && !features.attributes ? { ...type, attribute: false } : type;
    case "decl_tag":
      if (!features.declTags) return PLACEHOLDER;
      return type.attribute && !features.attributes ? { ...type, attribute: false } : type;
    case "func":
      if (!features.functions) return { kind: "typedef", name: type.name, type: type.type };
      return type.linkage === "global" && !features.globalFunctions ? { ...type, linkage: "static" } : type;
    case "func_proto":
      return features.functions ? type : PLACEHOLDER;
    case "var":
    case "datasec":
      return features.datasec ? type : PLACEHOLDER;
    default:
      return type;
  }
}

/** Takes the id of a type that nothing needs the contents of; of one byte, so that it is not larger than what it was. */
const PLACEHOLDER: BtfType = { kind: "int", name: "unknown", size: 1, encoding: "unsigned", bitOffset: 0, bits: 8 };

function unsigned(each: { readonly name: string; readonly value: bigint }): { name: string; value: bigint } {
  return { name: each.name, value: BigInt.asUintN(32, each.value) };
}
