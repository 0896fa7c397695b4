import type { Btf, BtfType, TypeId } from "@tsbpf/core/btf";

/** A type as `bpftool -j btf dump` has it, key by key. */
export function typeJson(btf: Btf, id: TypeId): object {
  const type = btf.type(id);
  const name = ("name" in type && type.name) || "(anon)";
  return { id, kind: type.kind.toUpperCase(), name, ...members(type) };
}

function members(type: BtfType): object {
  switch (type.kind) {
    case "int":
      return {
        size: type.size,
        bits_offset: type.bitOffset,
        nr_bits: type.bits,
        encoding: type.encoding === "unsigned" ? "(none)" : type.encoding.toUpperCase(),
      };
    case "array":
      return { type_id: type.type, index_type_id: type.indexType, nr_elems: type.length };
    case "struct":
    case "union":
      return {
        size: type.size,
        vlen: type.members.length,
        members: type.members.map(({ name, type: id, bitOffset, bitSize }) => ({
          name: name || "(anon)",
          type_id: id,
          bits_offset: bitOffset,
          bitfield_size: bitSize || undefined,
        })),
      };
    case "enum":
    case "enum64":
      return {
        encoding: type.signed ? "SIGNED" : "UNSIGNED",
        size: type.size,
        vlen: type.values.length,
        values: type.values.map(({ name, value }) => ({ name, val: value })),
      };
    case "fwd":
      return { fwd_kind: type.of };
    case "func":
      return { type_id: type.type, linkage: type.linkage };
    case "func_proto":
      return {
        ret_type_id: type.returns,
        vlen: type.params.length,
        params: type.params.map(({ name, type: id }) => ({ name: name || "(anon)", type_id: id })),
      };
    case "var":
      return { type_id: type.type, linkage: type.linkage };
    case "datasec":
      return {
        size: type.size,
        vlen: type.variables.length,
        vars: type.variables.map(({ type: id, offset, size }) => ({ type_id: id, offset, size })),
      };
    case "float":
      return { size: type.size };
    case "decl_tag":
      return { type_id: type.type, component_idx: type.component };
    case "void":
      return {};
    default:
      return { type_id: type.type };
  }
}
