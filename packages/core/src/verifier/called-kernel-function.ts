import type { BtfFuncProto, TypeId } from "../btf/index.js";

/** A kernel function that the program calls. */
export interface KernelFunction {
  readonly name: string;
  /** Its type in the kernel's BTF, as calls name it. */
  readonly typeId: TypeId;
  readonly flags: ReadonlySet<string>;
  readonly params: BtfFuncProto["params"];
  readonly returns: TypeId;
  /** May programs of this type call it? */
  readonly allowed: boolean;
}
