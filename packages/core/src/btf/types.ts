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

/** What a type is (`BTF_KIND_*`). */
export type BtfKind = (typeof btfKinds)[number];

/** Index into a {@link Btf}'s types; 0 is void. */
export type TypeId = number;

/** An integer, a character or a truth value. */
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

/** A pointer. */
export interface BtfPtr {
  readonly kind: "ptr";
  readonly type: TypeId;
}

/** An array of a known length. */
export interface BtfArray {
  readonly kind: "array";
  readonly type: TypeId;
  readonly indexType: TypeId;
  /** Elements. */
  readonly length: number;
}

/** A member of a struct or union. */
export interface BtfMember {
  readonly name: string;
  readonly type: TypeId;
  /** Bits from the start of the struct or union. */
  readonly bitOffset: number;
  /** Width of a bit field; 0 for an ordinary member. */
  readonly bitSize: number;
}

/** A struct or a union. */
export interface BtfComposite {
  readonly kind: "struct" | "union";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly members: readonly BtfMember[];
}

/** An enum, of 32 or 64 bits. */
export interface BtfEnum {
  readonly kind: "enum" | "enum64";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

/** A struct or union of which only the name is known. */
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

/** A function; its prototype is a type of its own. */
export interface BtfFunc {
  readonly kind: "func";
  readonly name: string;
  /** Its {@link BtfFuncProto}. */
  readonly type: TypeId;
  readonly linkage: "static" | "global" | "extern";
}

/** Parameters and result of a function. */
export interface BtfFuncProto {
  readonly kind: "func_proto";
  readonly returns: TypeId;
  /** A last parameter with type 0 and no name stands for `...`. */
  readonly params: readonly { readonly name: string; readonly type: TypeId }[];
}

/** A variable. */
export interface BtfVar {
  readonly kind: "var";
  readonly name: string;
  readonly type: TypeId;
  readonly linkage: "static" | "global" | "extern";
}

/** A section of variables, with their places in it. */
export interface BtfDatasec {
  readonly kind: "datasec";
  /** The ELF section's name, with its dot. */
  readonly name: string;
  /** Bytes; compilers leave 0 for the loader to fill in. */
  readonly size: number;
  readonly variables: readonly { readonly type: TypeId; readonly offset: number; readonly size: number }[];
}

/** A floating-point number. */
export interface BtfFloat {
  readonly kind: "float";
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** A tag (`btf_decl_tag`) of a type, member or parameter. */
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

/** Type 0: nothing. */
export interface BtfVoid {
  readonly kind: "void";
}

/** Any type of a graph. */
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
