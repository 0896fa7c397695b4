import { BpfError } from "../base/index.js";
import { OPCODE_CALL, OPCODE_LDDW, SLOT_SIZE } from "./instruction.js";

/**
 * A copy of a program's instructions in which references get their values: what every loader does last.
 *
 * Both methods throw BpfError `"REFERENCE"` for a slot beyond the program, or one that holds another instruction.
 */
export class ReferencePatch {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(insns: Uint8Array) {
    this.bytes = new Uint8Array(insns);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Has the lddw at `slot` load `low` and `high`, with the source register (BPF_PSEUDO_*) that says what they mean. */
  load(slot: number, source: number, low: number, high: number): void {
    const at = slot * SLOT_SIZE;
    if (at + 2 * SLOT_SIZE > this.bytes.length || this.bytes[at] !== OPCODE_LDDW)
      throw new BpfError("REFERENCE", `slot ${slot} has a reference and is no lddw`, { slot });
    this.#setSource(at, source);
    this.#view.setInt32(at + 4, low, true);
    this.#view.setInt32(at + SLOT_SIZE + 4, high, true);
  }

  /** Has the call at `slot` call number `imm`, of the kind that the source register says. */
  call(slot: number, source: number, imm: number, offset = 0): void {
    const at = slot * SLOT_SIZE;
    if (this.bytes[at] !== OPCODE_CALL)
      throw new BpfError("REFERENCE", `slot ${slot} refers to a function and is no call`, { slot });
    this.#setSource(at, source);
    this.#view.setInt16(at + 2, offset, true);
    this.#view.setInt32(at + 4, imm, true);
  }

  #setSource(at: number, source: number): void {
    this.bytes[at + 1] = (this.bytes[at + 1]! & 0x0f) | (source << 4);
  }
}
