import type { BtfType } from "../btf/index.js";

/** A kind of type as the kernel's messages write it; void is none of its kinds. */
export function kindText(kind: BtfType["kind"]): string {
  return kind === "void" ? "UNKNOWN" : kind.toUpperCase();
}
