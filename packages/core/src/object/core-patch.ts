import type { Btf } from "../btf/index.js";
import { OPCODE_CALL, OPCODE_LDDW, SLOT_SIZE } from "../isa/index.js";
import type { CoreRelocation } from "../spec/index.js";
import { isEnum } from "./core-compatibility.js";
import { type CorePath, coreError } from "./core-path.js";
import type { CoreValue } from "./core-value.js";

/**
 * The helper number that stands in a call in place of an instruction that must not run. The verifier's message names it,
 * `invalid func unknown#195896080` (0xbad2310), and people know it from libbpf.
 */
export const POISON_HELPER = 0xbad2310;

const CLASS_MASK = 0x07;
const SIZE_MASK = 0x18;
const SOURCE_REGISTER = 0x08;
/** Size bits of a load or store, by bytes. */
const SIZES = new Map([
  [1, 0x10],
  [2, 0x08],
  [4, 0x00],
  [8, 0x18],
]);

/** One side of a patch: a graph, where the relocation leads in it, and what that is worth. */
export interface CoreSide {
  readonly btf: Btf;
  readonly path: CorePath | undefined;
  readonly result: CoreValue;
}

/**
 * Puts a relocation's target value into its instruction, where its local value stands: an ALU immediate, the 64 bits of a
 * lddw, or the offset of a load or store, whose size changes with the field's. Where the target has no value, the
 * instruction becomes a call that the verifier refuses if it can be reached. Returns why it was poisoned, or undefined.
 *
 * @throws BpfError `"CORE_RELOCATION"` for an instruction that cannot hold the value, or doesn't hold the local one.
 */
export function patchInstruction(
  insns: Uint8Array,
  relocation: CoreRelocation,
  local: CoreSide,
  target: CoreSide,
): string | undefined {
  const at = relocation.slot * SLOT_SIZE;
  if (!Number.isInteger(at) || at < 0 || at + SLOT_SIZE > insns.length) {
    throw coreError(relocation, "the program has no such slot");
  }
  const patch = new Patch(new DataView(insns.buffer, insns.byteOffset, insns.byteLength), at, relocation);
  const value = target.result.value;
  if (value === undefined) return patch.poison("the target has no such field or enumerator");
  switch (patch.opcode & CLASS_MASK) {
    case 4:
    case 7:
      patch.immediate(local.result, extend(value, local, target, patch));
      return undefined;
    case 1:
    case 2:
    case 3:
      return patch.memory(local, target, value);
    case 0:
      patch.wide(local.result, extend(value, local, target, patch));
      return undefined;
    default:
      throw coreError(relocation, `an instruction with opcode 0x${patch.opcode.toString(16)} cannot be relocated`);
  }
}

/**
 * The 64 bits of an enumerator. BTF of old compilers doesn't say that an enum is signed; that the instruction holds a
 * negative number says it too.
 */
function extend(value: bigint, local: CoreSide, target: CoreSide, patch: Patch): bigint {
  const step = target.path?.steps[0];
  const type = step?.name === undefined ? undefined : target.btf.type(step.owner);
  if (type?.kind !== "enum" || type.signed || !isEnum(type)) return value;
  return patch.holdsNegative(local.result.value!) ? BigInt.asIntN(32, value) : value;
}

class Patch {
  readonly #view: DataView;
  readonly #at: number;
  readonly #relocation: CoreRelocation;

  constructor(view: DataView, at: number, relocation: CoreRelocation) {
    this.#view = view;
    this.#at = at;
    this.#relocation = relocation;
  }

  get opcode(): number {
    return this.#view.getUint8(this.#at);
  }

  get #imm(): number {
    return this.#view.getInt32(this.#at + 4, true);
  }

  /** Whether the lddw or ALU immediate is `value` read as a negative 32-bit number. */
  holdsNegative(value: bigint): boolean {
    const high = this.opcode === OPCODE_LDDW && this.#hasSecondSlot() ? this.#view.getInt32(this.#at + 12, true) : -1;
    return high === -1 && BigInt(this.#imm) === BigInt.asIntN(32, value) && this.#imm < 0;
  }

  immediate(local: CoreValue, value: bigint): void {
    if ((this.opcode & SOURCE_REGISTER) !== 0) throw this.#error("an ALU instruction without an immediate");
    this.#expect(local, BigInt(this.#imm), 32);
    this.#view.setInt32(this.#at + 4, Number(BigInt.asIntN(32, value)), true);
  }

  wide(local: CoreValue, value: bigint): void {
    const view = this.#view;
    const at = this.#at;
    if (this.opcode !== OPCODE_LDDW || !this.#hasSecondSlot()) throw this.#error("not a lddw of a constant");
    const blank = view.getUint8(at + 1) >> 4 === 0 && view.getInt16(at + 2) === 0 && view.getUint32(at + 8) === 0;
    if (!blank) throw this.#error("not a lddw of a constant");
    const held = (BigInt(view.getInt32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 4, true));
    this.#expect(local, held, 64);
    view.setUint32(at + 4, Number(BigInt.asUintN(32, value)), true);
    view.setUint32(at + 12, Number(BigInt.asUintN(32, value >> 32n)), true);
  }

  memory(local: CoreSide, target: CoreSide, value: bigint): string | undefined {
    const view = this.#view;
    this.#expect(local.result, BigInt(view.getInt16(this.#at + 2, true)), 16);
    if (value > 0x7fffn) throw this.#error(`offset ${value} does not fit a load or store`);
    const from = local.result.access;
    const to = target.result.access;
    const resized = from !== undefined && to !== undefined && from.size !== to.size;
    if (resized && !resizable(local.btf, from.type, target.btf, to.type)) {
      return this.poison(`a load or store of ${from.size} bytes is not one of ${to.size} bytes; only unsigned is`);
    }
    if (resized) this.#resize(from.size, to.size);
    view.setInt16(this.#at + 2, Number(value), true);
    return undefined;
  }

  poison(reason: string): string {
    const slots = this.opcode === OPCODE_LDDW && this.#hasSecondSlot() ? 2 : 1;
    for (let at = this.#at; at < this.#at + slots * SLOT_SIZE; at += SLOT_SIZE) {
      this.#view.setUint32(at, OPCODE_CALL, true);
      this.#view.setUint32(at + 4, POISON_HELPER, true);
    }
    return reason;
  }

  #hasSecondSlot(): boolean {
    return this.#at + 2 * SLOT_SIZE <= this.#view.byteLength;
  }

  #resize(from: number, to: number): void {
    const opcode = this.opcode;
    if ((opcode & SIZE_MASK) !== SIZES.get(from)) throw this.#error(`the access isn't one of ${from} bytes`);
    const size = SIZES.get(to);
    if (size === undefined) throw this.#error(`a field of ${to} bytes cannot be loaded at once`);
    this.#view.setUint8(this.#at, (opcode & ~SIZE_MASK) | size);
  }

  #expect(local: CoreValue, held: bigint, bits: number): void {
    if (!local.exact || local.value === undefined) return;
    const low = Math.min(bits, 32);
    const same =
      BigInt.asUintN(bits, held) === BigInt.asUintN(bits, local.value) ||
      // An enumerator of 32 bits with its highest bit set, which BTF of old compilers has without its sign.
      (held < 0n && held === BigInt.asIntN(low, local.value) && local.value >> BigInt(low) === 0n);
    if (!same) throw this.#error(`the instruction holds ${held} where the object's own types give ${local.value}`);
  }

  #error(message: string): Error {
    return coreError(this.#relocation, message);
  }
}

/** Pointers and unsigned integers keep their value when they are loaded with another size. */
function resizable(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  const a = local.type(localId);
  const b = target.type(targetId);
  if (a.kind === "ptr" && b.kind === "ptr") return true;
  return a.kind === "int" && b.kind === "int" && a.encoding !== "signed" && b.encoding !== "signed";
}
