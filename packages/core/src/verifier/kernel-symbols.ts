import type { Walk } from "./walk.js";

/** The address of a kernel variable or function whose type the kernel's BTF tells. */
export function kernelSymbol(walk: Walk, _at: number): void {
  walk.analysis.notModelled("the address of a kernel symbol");
}
