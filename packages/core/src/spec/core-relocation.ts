import type { TypeId } from "../btf/index.js";

/** Kinds of CO-RE relocation; the index is the number in .BTF.ext. @see https://docs.kernel.org/bpf/llvm_reloc.html */
export const coreRelocationKinds = [
  "field_byte_offset",
  "field_byte_size",
  "field_exists",
  "field_signed",
  "field_lshift_u64",
  "field_rshift_u64",
  "type_id_local",
  "type_id_target",
  "type_exists",
  "type_size",
  "enumval_exists",
  "enumval_value",
  "type_matches",
] as const;

/** What a CO-RE relocation asks for (`enum bpf_core_relo_kind`). */
export type CoreRelocationKind = (typeof coreRelocationKinds)[number];

/** A value in an instruction that depends on the target kernel's types (compile once, run everywhere). */
export interface CoreRelocation {
  readonly slot: number;
  readonly kind: CoreRelocationKind;
  /** Root type in the object's BTF. */
  readonly typeId: TypeId;
  /** Path from the root, e.g. `"0:1:2"`; for enum values the index of the enumerator. */
  readonly access: string;
}
