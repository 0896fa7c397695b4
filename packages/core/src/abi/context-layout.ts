import type { AttachType } from "./attach-types.js";

/**
 * Which accesses a context field takes. Every access is aligned to its own size.
 *
 * - `exact`: the field's whole width only;
 * - `narrow`: the width or any smaller power of two within it (`bpf_ctx_narrow_access_ok`);
 * - `within`: any size of 1, 2, 4 or 8 bytes between the start of the first and the end of the last element;
 * - `wide`: as `narrow`, and 8 bytes over two 4-byte elements where the address is aligned (`bpf_ctx_wide_access_ok`).
 */
export type ContextAccess = "exact" | "narrow" | "within" | "wide";

/** A field whose load yields a pointer. `?` marks pointers that may be null. */
export type ContextPointer =
  | "packet"
  | "packet_meta"
  | "packet_end"
  | "flow_keys"
  | "socket"
  | "socket?"
  | "sock_common?"
  | "tp_buffer"
  | "buf"
  | "buf_rdonly"
  | "btf_trusted"
  | "btf_trusted?";

export interface ContextField {
  /** Its C name in the UAPI header. */
  readonly name: string;
  /** Bytes from the start of the context. */
  readonly offset: number;
  /** Bytes of one element. */
  readonly size: number;
  /** Elements, for arrays; 1 where absent. */
  readonly count?: number;
  /** Absent: never readable. */
  readonly read?: ContextAccess;
  /** Absent: never writable. */
  readonly write?: ContextAccess;
  readonly pointer?: ContextPointer;
  /** The kernel struct behind a `btf_*` pointer. */
  readonly struct?: string;
  /** Only programs of these attach types see the field. */
  readonly attachTypes?: readonly AttachType[];
  /** Only programs of these attach types may write the field; all that see it, where absent. */
  readonly writeAttachTypes?: readonly AttachType[];
  /** Smallest access in bytes, where `narrow` has a floor. */
  readonly least?: number;
}

/**
 * What a program of one type finds behind r1. Accesses that no field allows are refused with
 * `invalid bpf_context access`.
 */
export interface ContextLayout {
  /** The C struct, e.g. `"__sk_buff"`. */
  readonly struct: string;
  /** Bytes. */
  readonly size: number;
  readonly fields: readonly ContextField[];
}
