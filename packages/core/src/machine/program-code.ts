import { helperName } from "../abi/index.js";
import { NotSupportedError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import {
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  decodeSlots,
  OPCODE_CALL,
  OPCODE_EXIT,
  OPCODE_LDDW,
  ReferencePatch,
  SLOT_SIZE,
} from "../isa/index.js";
import { type HelperTable, MISSING_KFUNC } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";

/** Where the maps that a program refers to lie. */
export interface CodeAddresses {
  /** Address of the map's header. @throws BpfError for a name that there isn't. */
  header(name: string): number;
  /** Address of the map's only value. @throws SyscallError for a map whose values have no fixed address. */
  value(name: string): number;
  /** Number of a kernel function in the runtime's table; undefined for one that isn't there. */
  kfunc(name: string): number | undefined;
}

/**
 * A copy of the program's instructions in which every reference is an address of linear memory.
 *
 * @throws NotSupportedError for kernel variables and functions that aren't weak: there is no kernel behind a Machine.
 */
export function resolveCode(spec: ProgramSpec, insns: Uint8Array, addresses: CodeAddresses): Uint8Array {
  const code = new ReferencePatch(insns);
  for (const reference of spec.references) {
    // Taken out because nothing reaches it.
    if (insns[reference.slot * SLOT_SIZE] === OPCODE_EXIT) continue;
    switch (reference.kind) {
      case "map":
        code.load(reference.slot, BPF_PSEUDO_MAP_FD, addresses.header(reference.map), 0);
        break;
      case "map_value":
        code.load(reference.slot, BPF_PSEUDO_MAP_VALUE, addresses.value(reference.map) + reference.offset, 0);
        break;
      case "ksym":
        if (!reference.weak && addresses.kfunc(reference.name) === undefined) throw missing(reference.name, "variable");
        // A weak kernel function's address tells whether it is there.
        code.load(reference.slot, 0, addresses.kfunc(reference.name) === undefined ? 0 : 1, 0);
        break;
      case "kfunc": {
        const id = addresses.kfunc(reference.name);
        if (id === undefined && !reference.weak) throw missing(reference.name, "function");
        code.call(reference.slot, BPF_PSEUDO_KFUNC_CALL, id ?? MISSING_KFUNC);
        break;
      }
    }
  }
  return code.bytes;
}

/**
 * @throws NotSupportedError naming the first helper that the program calls and that isn't there, or that takes kernel types
 * where there are none.
 */
export function checkHelpers(
  spec: ProgramSpec,
  insns: Uint8Array,
  helpers: HelperTable,
  kernelTypes: Btf | undefined,
): void {
  const slots = decodeSlots(insns);
  for (let slot = 0; slot < slots.length; slot++) {
    if (slots.opcode[slot] === OPCODE_LDDW) slot++;
    else if (slots.opcode[slot] === OPCODE_CALL && slots.src[slot] === 0) {
      const id = slots.imm[slot]!;
      const helper = helpers.get(id);
      if (helper !== undefined && (helper.needsKernelTypes !== true || kernelTypes !== undefined)) continue;
      const name = helperName(id);
      const what = name === undefined ? `helper ${id}` : `${name}()`;
      const why =
        helper === undefined ? "which the Machine lacks" : "which takes the kernel's types: give it `kernelTypes`";
      throw new NotSupportedError(what, `program '${spec.name}' calls ${what} at slot ${slot}, ${why}`);
    }
  }
}

function missing(name: string, what: string): NotSupportedError {
  return new NotSupportedError(name, `the Machine has no kernel ${what} ${name}`);
}
