import { HELPER_TAIL_CALL } from "../abi/index.js";
import {
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  OPCODE_CALL,
  OPCODE_LDDW,
  type Slots,
} from "../isa/index.js";

export const OPCODE_JA = 0x05;
export const OPCODE_JA32 = 0x06;
/** May be taken or not, by a budget that the kernel keeps. */
export const OPCODE_MAY_GOTO = 0xe5;

export function isJumpClass(opcode: number): boolean {
  const kind = opcode & 7;
  return kind === BPF_JMP || kind === BPF_JMP32;
}

export function isLoadAbsolute(opcode: number): boolean {
  const mode = opcode & 0xe0;
  return (opcode & 7) === BPF_LD && (mode === 0x20 || mode === 0x40);
}

/** A call of another function of the program. */
export function isProgramCall(insns: Slots, slot: number): boolean {
  return insns.opcode[slot] === OPCODE_CALL && insns.src[slot] === BPF_PSEUDO_CALL;
}

export function isHelperCall(insns: Slots, slot: number): boolean {
  return insns.opcode[slot] === OPCODE_CALL && insns.src[slot] === 0;
}

export function isKfuncCall(insns: Slots, slot: number): boolean {
  return insns.opcode[slot] === OPCODE_CALL && insns.src[slot] === BPF_PSEUDO_KFUNC_CALL;
}

/** A lddw of the address of one of the program's functions. */
export function isFunctionAddress(insns: Slots, slot: number): boolean {
  return insns.opcode[slot] === OPCODE_LDDW && insns.src[slot] === BPF_PSEUDO_FUNC;
}

/** Slots from the next instruction to a jump's target. */
export function jumpDistance(insns: Slots, slot: number): number {
  return insns.opcode[slot] === OPCODE_JA32 ? insns.imm[slot]! : insns.offset[slot]!;
}

/**
 * Where control may go next within the function, into `to`; calls go to the instruction behind them. Returns how many.
 * `exitSlot` is the function's exit, where a tail call leads when it succeeds.
 */
export function successors(insns: Slots, slot: number, to: Int32Array, exitSlot: number): number {
  const opcode = insns.opcode[slot]!;
  if (isLoadAbsolute(opcode)) {
    // Behind the packet's end, the load leaves the function.
    to[0] = slot + 1;
    to[1] = exitSlot;
    return 2;
  }
  if (!isJumpClass(opcode) || (opcode & 0xf0) === 0x80) {
    to[0] = slot + (opcode === OPCODE_LDDW ? 2 : 1);
    if (opcode === OPCODE_CALL && insns.src[slot] === 0 && insns.imm[slot] === HELPER_TAIL_CALL) {
      to[1] = exitSlot;
      return 2;
    }
    return 1;
  }
  const operation = opcode & 0xf0;
  if (operation === 0x90) return 0;
  const target = slot + jumpDistance(insns, slot) + 1;
  if (operation === 0x00) {
    to[0] = target;
    return 1;
  }
  to[0] = slot + 1;
  to[1] = target;
  return 2;
}
