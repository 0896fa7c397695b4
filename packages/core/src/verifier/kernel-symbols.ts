import { ENOENT } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { MEM, READ_ONLY } from "./pointer-types.js";
import { setPointer } from "./registers.js";
import type { Walk } from "./walk.js";

/** The address of a kernel function: nothing can be read there, but it isn't null. */
export function kernelSymbol(walk: Walk, at: number): void {
  setPointer(walk.analysis.frame.records, at, MEM | READ_ONLY);
}

/** A lddw names a variable or function of the kernel by its BTF type. */
export function checkKernelSymbol(analysis: Analysis, typeId: number): void {
  const types = analysis.kernelTypes;
  if (types === undefined) analysis.notModelled("a kernel symbol without the kernel's types");
  if (typeId < 0 || typeId >= types.length) {
    analysis.reject("btf", ENOENT, `ldimm64 insn specifies invalid btf_id ${typeId}.`);
  }
  const { kind } = types.type(typeId);
  if (kind !== "var" && kind !== "func") {
    analysis.invalid("btf", `pseudo btf_id ${typeId} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  }
  // Whether a kernel can tell the addresses of its variables depends on its build, and not on its types.
  if (kind === "var") analysis.notModelled(`the address of the kernel's variable ${types.name(typeId)}`);
}
