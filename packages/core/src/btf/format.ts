/**
 * The layout of .BTF as numbers. A header, then type records of varying length, then NUL-terminated strings.
 *
 *     header        magic u16, version u8, flags u8, hdr_len u32, type_off u32, type_len u32, str_off u32, str_len u32
 *     record        name_off u32, info u32, size or type u32, then what the kind adds
 *     info          bit 31 kind_flag, bits 24-28 kind, bits 0-15 vlen
 *
 * @see https://docs.kernel.org/bpf/btf.html
 */
export const BTF_MAGIC = 0xeb9f;
export const HEADER_SIZE = 24;
export const RECORD_SIZE = 12;

/** Numbers of the kinds: indices of `btfKinds`. */
export const KIND = {
  void: 0,
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const;

export const LAST_KIND = KIND.enum64;

/** Bytes behind the record that do not depend on vlen, by kind. */
export const FIXED_SIZE: readonly number[] = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];

/** Bytes behind the record for each of its vlen entries, by kind. */
export const ENTRY_SIZE: readonly number[] = [0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12];

/** Bit set over kinds whose third word is a type id; of the others it is a size, or nothing. */
export const REFERS =
  (1 << KIND.ptr) |
  (1 << KIND.typedef) |
  (1 << KIND.volatile) |
  (1 << KIND.const) |
  (1 << KIND.restrict) |
  (1 << KIND.func) |
  (1 << KIND.func_proto) |
  (1 << KIND.var) |
  (1 << KIND.decl_tag) |
  (1 << KIND.type_tag);

/** Bit set over kinds that are another type with a name or a qualifier. */
export const MODIFIES =
  (1 << KIND.typedef) | (1 << KIND.volatile) | (1 << KIND.const) | (1 << KIND.restrict) | (1 << KIND.type_tag);

/** Numbers of linkage, of functions and of variables. */
export const LINKAGES = ["static", "global", "extern"] as const;
