import { MISSING_KFUNC_CALL } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  OPCODE_LDDW,
  SLOT_SIZE,
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
 * @throws BpfError `"NO_SUCH_SYMBOL"` for an extern that the kernel lacks and that is not weak.
 */
export function resolveReferences(
  program: ProgramSpec,
  insns: Uint8Array,
  mapFd: (name: string) => number,
  kernel: KernelBtf,
): ResolvedCode {
  const code = new CodePatch(insns);
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

class CodePatch {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(insns: Uint8Array) {
    this.bytes = new Uint8Array(insns);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** A lddw of `low` and `high` with the source register that says what they mean. */
  load(slot: number, source: number, low: number, high: number): void {
    const at = this.#offset(slot, 2);
    if (this.bytes[at] !== OPCODE_LDDW)
      throw new BpfError("REFERENCE", `slot ${slot} has a reference and is no lddw`, { slot });
    this.#source(at, source);
    this.#view.setInt32(at + 4, low, true);
    this.#view.setInt32(at + SLOT_SIZE + 4, high, true);
  }

  call(slot: number, source: number, imm: number, offset: number): void {
    const at = this.#offset(slot, 1);
    this.#source(at, source);
    this.#view.setInt16(at + 2, offset, true);
    this.#view.setInt32(at + 4, imm, true);
  }

  #source(at: number, source: number): void {
    this.bytes[at + 1] = (this.bytes[at + 1]! & 0x0f) | (source << 4);
  }

  #offset(slot: number, slots: number): number {
    const at = slot * SLOT_SIZE;
    if (at + slots * SLOT_SIZE > this.bytes.length)
      throw new BpfError("REFERENCE", `slot ${slot} is beyond the program`, { slot });
    return at;
  }
}

type KsymReference = Extract<Reference, { kind: "ksym" }>;
type KfuncReference = Extract<Reference, { kind: "kfunc" }>;

function loadSymbol(code: CodePatch, { slot, name, typeId, weak }: KsymReference, kernel: KernelBtf): void {
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
  code: CodePatch,
  { slot, name, weak }: KfuncReference,
  kernel: KernelBtf,
  modules: ModuleBtf[],
): void {
  const found = kernel.find(name, "func");
  if (found === undefined) {
    if (!weak) throw missing(name, "as a function in its BTF");
    code.call(slot, 0, MISSING_KFUNC_CALL, 0);
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
