/** What a BTF type record is. The numbers are those of the format. @see https://docs.kernel.org/bpf/btf.html */
export const btfKinds = [
  "void",
  "int",
  "ptr",
  "array",
  "struct",
  "union",
  "enum",
  "fwd",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "datasec",
  "float",
  "decl_tag",
  "type_tag",
  "enum64",
] as const;

export type BtfKind = (typeof btfKinds)[number];

/** Index into a {@link Btf}'s types; 0 is void. */
export type TypeId = number;

export interface BtfInt {
  readonly kind: "int";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly encoding: "unsigned" | "signed" | "char" | "bool";
  /** Bit offset and width within `size`; other than 0 and `size * 8` only in old compilers' bit fields. */
  readonly bitOffset: number;
  readonly bits: number;
}

export interface BtfPtr {
  readonly kind: "ptr";
  readonly type: TypeId;
}

export interface BtfArray {
  readonly kind: "array";
  readonly type: TypeId;
  readonly indexType: TypeId;
  /** Elements. */
  readonly length: number;
}

export interface BtfMember {
  readonly name: string;
  readonly type: TypeId;
  /** Bits from the start of the struct or union. */
  readonly bitOffset: number;
  /** Width of a bit field; 0 for an ordinary member. */
  readonly bitSize: number;
}

export interface BtfComposite {
  readonly kind: "struct" | "union";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly members: readonly BtfMember[];
}

export interface BtfEnum {
  readonly kind: "enum" | "enum64";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

export interface BtfFwd {
  readonly kind: "fwd";
  readonly name: string;
  readonly of: "struct" | "union";
}

/** A name or a qualifier over another type. */
export interface BtfModifier {
  readonly kind: "typedef" | "volatile" | "const" | "restrict";
  /** Empty but for typedef. */
  readonly name: string;
  readonly type: TypeId;
}

/** An attribute of the type that a pointer points at: `__attribute__((btf_type_tag("user")))`. */
export interface BtfTypeTag {
  readonly kind: "type_tag";
  readonly name: string;
  readonly type: TypeId;
  /** True where `name` is a whole attribute rather than a btf_type_tag's text (kind_flag, since Linux 6.14). */
  readonly attribute?: boolean;
}

export interface BtfFunc {
  readonly kind: "func";
  readonly name: string;
  /** Its {@link BtfFuncProto}. */
  readonly type: TypeId;
  readonly linkage: "static" | "global" | "extern";
}

export interface BtfFuncProto {
  readonly kind: "func_proto";
  readonly returns: TypeId;
  /** A last parameter with type 0 and no name stands for `...`. */
  readonly params: readonly { readonly name: string; readonly type: TypeId }[];
}

export interface BtfVar {
  readonly kind: "var";
  readonly name: string;
  readonly type: TypeId;
  readonly linkage: "static" | "global" | "extern";
}

export interface BtfDatasec {
  readonly kind: "datasec";
  /** The ELF section's name, with its dot. */
  readonly name: string;
  /** Bytes; compilers leave 0 for the loader to fill in. */
  readonly size: number;
  readonly variables: readonly { readonly type: TypeId; readonly offset: number; readonly size: number }[];
}

export interface BtfFloat {
  readonly kind: "float";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

export interface BtfDeclTag {
  readonly kind: "decl_tag";
  readonly name: string;
  /** What is tagged. */
  readonly type: TypeId;
  /** Member or parameter index, or -1 for the whole of `type`. */
  readonly component: number;
  /** True where `name` is a whole attribute rather than a btf_decl_tag's text (kind_flag, since Linux 6.14). */
  readonly attribute?: boolean;
}

export interface BtfVoid {
  readonly kind: "void";
}

export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfPtr
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfFwd
  | BtfModifier
  | BtfTypeTag
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;
