import type { Btf } from "./btf.js";
import type { BtfMember, BtfType, TypeId } from "./types.js";

/**
 * Types one by one as `bpftool btf dump ... format raw` prints them, entries of a type indented by a tab:
 *
 *     [4] STRUCT 'point' size=8 vlen=2
 *     	'x' type_id=1 bits_offset=0
 *     	'y' type_id=1 bits_offset=32
 *
 * Of split BTF its own types, unless `ids` says which.
 *
 * @throws FormatError for an id that is out of range.
 */
export function printRaw(btf: Btf, ids: Iterable<TypeId> = ownIds(btf)): string {
  const lines: string[] = [];
  for (const id of ids) {
    const type = btf.type(id);
    const name = ("name" in type && type.name) || "(anon)";
    lines.push(`[${id}] ${type.kind.toUpperCase()} '${name}'${properties(type)}`);
    for (const entry of entries(btf, type)) lines.push(`\t${entry}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

function* ownIds(btf: Btf): IterableIterator<TypeId> {
  for (let id = btf.firstId; id < btf.length; id++) yield id;
}

function properties(type: BtfType): string {
  switch (type.kind) {
    case "int": {
      const encoding = type.encoding === "unsigned" ? "(none)" : type.encoding.toUpperCase();
      return ` size=${type.size} bits_offset=${type.bitOffset} nr_bits=${type.bits} encoding=${encoding}`;
    }
    case "array":
      return ` type_id=${type.type} index_type_id=${type.indexType} nr_elems=${type.length}`;
    case "struct":
    case "union":
      return ` size=${type.size} vlen=${type.members.length}`;
    case "enum":
    case "enum64":
      return ` encoding=${type.signed ? "SIGNED" : "UNSIGNED"} size=${type.size} vlen=${type.values.length}`;
    case "fwd":
      return ` fwd_kind=${type.of}`;
    case "func":
      return ` type_id=${type.type} linkage=${type.linkage}`;
    case "func_proto":
      return ` ret_type_id=${type.returns} vlen=${type.params.length}`;
    case "var":
      return ` type_id=${type.type}, linkage=${type.linkage}`;
    case "datasec":
      return ` size=${type.size} vlen=${type.variables.length}`;
    case "float":
      return ` size=${type.size}`;
    case "decl_tag":
      return ` type_id=${type.type} component_idx=${type.component}`;
    case "void":
      return "";
    default:
      return ` type_id=${type.type}`;
  }
}

function entries(btf: Btf, type: BtfType): string[] {
  switch (type.kind) {
    case "struct":
    case "union":
      return type.members.map(member);
    case "enum":
      return type.values.map(({ name, value }) => `'${name}' val=${value}`);
    case "enum64":
      return type.values.map(({ name, value }) => `'${name}' val=${value}${type.signed ? "LL" : "ULL"}`);
    case "func_proto":
      return type.params.map(({ name, type: id }) => `'${name || "(anon)"}' type_id=${id}`);
    case "datasec":
      return type.variables.map(({ type: id, offset, size }) => {
        const of = btf.type(id);
        const name = "name" in of && of.name !== "" ? ` (${of.kind.toUpperCase()} '${of.name}')` : "";
        return `type_id=${id} offset=${offset} size=${size}${name}`;
      });
    default:
      return [];
  }
}

function member({ name, type, bitOffset, bitSize }: BtfMember): string {
  const bits = bitSize === 0 ? "" : ` bitfield_size=${bitSize}`;
  return `'${name || "(anon)"}' type_id=${type} bits_offset=${bitOffset}${bits}`;
}
