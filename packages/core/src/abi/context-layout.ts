import type { AttachType } from "./attach-types.js";

/**
 * Which accesses a context field takes. Every access is aligned to its own size.
 *
 * - `exact`: the whole of one element;
 * - `narrow`: an element or any smaller power of two within it (`bpf_ctx_narrow_access_ok`);
 * - `leading`: an element's whole width or less, at its first byte only;
 * - `pair`: one element, or 8 bytes over two 4-byte elements (`bpf_ctx_wide_access_ok`);
 * - `within`: any size of 1, 2, 4 or 8 bytes between the start of the first and the end of the last element.
 */
export type ContextAccess = "exact" | "narrow" | "leading" | "pair" | "within";

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

/** A field of a context, and what programs may do with it. */
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
  /** Accesses that take CAP_BPF: all, or stores only. */
  readonly withBpf?: "access" | "write";
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

/** One load from or store to the context. */
export interface ContextQuery {
  /** Bytes from the start of the context. */
  readonly offset: number;
  /** Bytes: 1, 2, 4 or 8. */
  readonly size: number;
  readonly write: boolean;
  readonly attachType: AttachType | undefined;
  /** The loader lacks CAP_BPF. */
  readonly withoutBpf?: boolean;
}

/** The field that allows an access, or undefined where none does: `invalid bpf_context access`. */
export function findContextField(layout: ContextLayout, query: ContextQuery): ContextField | undefined {
  if (query.offset < 0 || query.offset % query.size !== 0) return undefined;
  return layout.fields.find((field) => allows(field, query));
}

function allows(field: ContextField, { offset, size, write, attachType, withoutBpf }: ContextQuery): boolean {
  if (withoutBpf === true && (field.withBpf === "access" || (write && field.withBpf === "write"))) return false;
  const end = field.offset + field.size * (field.count ?? 1);
  if (offset < field.offset || offset + size > end) return false;
  const visible = write ? (field.writeAttachTypes ?? field.attachTypes) : field.attachTypes;
  if (visible !== undefined && (attachType === undefined || !visible.includes(attachType))) return false;
  const into = (offset - field.offset) % field.size;
  const whole = into === 0 && size === field.size;
  const access = write ? field.write : field.read;
  switch (access) {
    case "exact":
      return whole;
    case "narrow":
      return into + size <= field.size && size >= (field.least ?? 1);
    case "leading":
      return into === 0 && size <= field.size;
    case "pair":
      return whole || (into === 0 && size === 8 && field.size === 4);
    case "within":
      return true;
    default:
      return false;
  }
}
