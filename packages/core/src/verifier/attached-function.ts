import type { BtfFuncProto, TypeId } from "../btf/index.js";

/** What a program attaches to, where the kernel's types say what it finds in its context. */
export interface AttachTarget {
  /** As messages call it. */
  readonly name: string;
  readonly params: BtfFuncProto["params"];
  /** Type of the result; 0 for none. */
  readonly returns: TypeId;
  /** What a pointer argument is, beyond its type. */
  readonly argument: (index: number, name: string) => ArgumentTrust;
  /** Struct and member that a struct_ops program implements. */
  readonly member?: { readonly struct: string; readonly name: string; readonly bitOffset: number };
}

/** How far a pointer argument can be relied on; `?`: it may be null. */
export type ArgumentTrust =
  | "trusted"
  | "trusted?"
  | "plain"
  | "plain?"
  | "scalar"
  | "buf?"
  | "buf_rdonly?"
  | "referenced";
