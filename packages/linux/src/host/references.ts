import { MISSING_KFUNC_CALL } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  ReferencePatch,
} from "@tsbpf/core/isa";
import type { ProgramSpec, Reference } from "@tsbpf/core/spec";
import type { KernelBtf, ModuleBtf } from "./kernel-btf.js";
import { kernelSymbol } from "./kernel-symbols.js";

/** Instructions with everything filled in, and the module fds that kfunc calls count into. */
export interface ResolvedCode {
  readonly insns: Uint8Array;
  readonly fdArray: Int32Array | undefined;
}

/**
 * A copy of a program's instructions with map fds, addresses of kernel variables and BTF ids of kernel functions in
 * place.
 *
 * @param mapFd fd of a map, by its key in the object.
 * @throws BpfError `"NO_SUCH_SYMBOL"` for an extern that the kernel lacks and that is not weak, `"REFERENCE"` for a reference of what is
 * neither a lddw nor a call.
 */
export function resolveReferences(
  program: ProgramSpec,
  insns: Uint8Array,
  mapFd: (name: string) => number,
  kernel: KernelBtf,
): ResolvedCode {
  const code = new ReferencePatch(insns);
  const modules: ModuleBtf[] = [];
  for (const reference of program.references) {
    switch (reference.kind) {
      case "map":
        code.load(reference.slot, BPF_PSEUDO_MAP_FD, mapFd(reference.map), 0);
        break;
      case "map_value":
        code.load(reference.slot, BPF_PSEUDO_MAP_VALUE, mapFd(reference.map), reference.offset);
        break;
      case "ksym":
        loadSymbol(code, reference, kernel);
        break;
      case "kfunc":
        callKfunc(code, reference, kernel, modules);
        break;
    }
  }
  // Index 0 means vmlinux and is never looked at.
  const fdArray = modules.length === 0 ? undefined : Int32Array.from([0, ...modules.map((module) => module.fd.number)]);
  return { insns: code.bytes, fdArray };
}

type KsymReference = Extract<Reference, { kind: "ksym" }>;
type KfuncReference = Extract<Reference, { kind: "kfunc" }>;

function loadSymbol(code: ReferencePatch, { slot, name, typeId, weak }: KsymReference, kernel: KernelBtf): void {
  if (typeId !== 0) {
    const found = kernel.find(name, "var") ?? kernel.find(name, "func");
    if (found !== undefined) {
      code.load(slot, BPF_PSEUDO_BTF_ID, found.id, found.module?.fd.number ?? 0);
      return;
    }
  } else {
    const address = kernelSymbol(name);
    if (address !== undefined) {
      code.load(slot, 0, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
      return;
    }
  }
  if (!weak) throw missing(name, typeId === 0 ? "in /proc/kallsyms" : "in its BTF");
  code.load(slot, 0, 0, 0);
}

function callKfunc(
  code: ReferencePatch,
  { slot, name, weak }: KfuncReference,
  kernel: KernelBtf,
  modules: ModuleBtf[],
): void {
  const found = kernel.find(name, "func");
  if (found === undefined) {
    if (!weak) throw missing(name, "as a function in its BTF");
    code.call(slot, 0, MISSING_KFUNC_CALL);
    return;
  }
  let index = 0;
  if (found.module !== undefined) {
    index = modules.indexOf(found.module) + 1;
    if (index === 0) index = modules.push(found.module);
  }
  code.call(slot, BPF_PSEUDO_KFUNC_CALL, found.id, index);
}

function missing(name: string, where: string): BpfError {
  return new BpfError("NO_SUCH_SYMBOL", `the kernel does not have ${name} ${where}`, { name });
}
