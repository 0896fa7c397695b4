import { helperPrototypes } from "../abi/index.js";
import { BpfError, NotSupportedError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import {
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  decodeSlots,
  OPCODE_LDDW,
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

const OPCODE_CALL = 0x85;
const OPCODE_EXIT = 0x95;

const helperNames: ReadonlyMap<number, string> = new Map(helperPrototypes.map(({ id, name }) => [id, name]));

/**
 * A copy of the program's instructions in which every reference is an address of linear memory.
 *
 * @throws NotSupportedError for kernel variables and functions that aren't weak: there is no kernel behind a Machine.
 */
export function resolveCode(spec: ProgramSpec, insns: Uint8Array, addresses: CodeAddresses): Uint8Array {
  const code = new CodePatch(insns);
  for (const reference of spec.references) {
    if (code.isDead(reference.slot)) continue;
    switch (reference.kind) {
      case "map":
        code.load(reference.slot, BPF_PSEUDO_MAP_FD, addresses.header(reference.map));
        break;
      case "map_value":
        code.load(reference.slot, BPF_PSEUDO_MAP_VALUE, addresses.value(reference.map) + reference.offset);
        break;
      case "ksym":
        if (!reference.weak && addresses.kfunc(reference.name) === undefined) throw missing(reference.name, "variable");
        // A weak kernel function's address tells whether it is there.
        code.load(reference.slot, 0, addresses.kfunc(reference.name) === undefined ? 0 : 1);
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
      const name = helperNames.get(id);
      const what = name === undefined ? `helper ${id}` : `bpf_${name}()`;
      const why =
        helper === undefined ? "which the Machine lacks" : "which takes the kernel's types: give it `kernelTypes`";
      throw new NotSupportedError(what, `program '${spec.name}' calls ${what} at slot ${slot}, ${why}`);
    }
  }
}

function missing(name: string, what: string): NotSupportedError {
  return new NotSupportedError(name, `the Machine has no kernel ${what} ${name}`);
}

class CodePatch {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(insns: Uint8Array) {
    this.bytes = new Uint8Array(insns);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Was the instruction taken out because nothing reaches it? */
  isDead(slot: number): boolean {
    return this.bytes[slot * SLOT_SIZE] === OPCODE_EXIT;
  }

  /** A call of the function with this number, of the kind that the source register says. */
  call(slot: number, source: number, id: number): void {
    const at = slot * SLOT_SIZE;
    if (this.bytes[at] !== OPCODE_CALL) {
      throw new BpfError("REFERENCE", `slot ${slot} refers to a function and is no call`, { slot });
    }
    this.bytes[at + 1] = source << 4;
    this.#view.setInt32(at + 4, id, true);
  }

  /** A lddw of an address, with the source register that says what it is. */
  load(slot: number, source: number, address: number): void {
    const at = slot * SLOT_SIZE;
    if (at + 2 * SLOT_SIZE > this.bytes.length || this.bytes[at] !== OPCODE_LDDW) {
      throw new BpfError("REFERENCE", `slot ${slot} has a reference and is no lddw`, { slot });
    }
    this.bytes[at + 1] = (this.bytes[at + 1]! & 0x0f) | (source << 4);
    this.#view.setUint32(at + 4, address, true);
    this.#view.setUint32(at + SLOT_SIZE + 4, 0, true);
  }
}
