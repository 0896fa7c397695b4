import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32, BPF_LD, BPF_LDX, BPF_ST, BPF_STX } from "../isa/index.js";
import type { Analysis } from "./analysis.js";
import { OPCODE_MAY_GOTO, successors } from "./successors.js";

/** Registers that a call leaves unreadable: r0 to r5. */
const CALLER_SAVED = 0x3f;

/** Arguments of the call at `slot`, as bits of registers; undefined where its prototype isn't known. */
export type CallArguments = (slot: number) => number | undefined;

/**
 * Which registers may still be read before they are written, at every instruction: the classic backward data flow, over
 * one function at a time.
 */
export function computeLiveRegisters(analysis: Analysis, argumentsOf: CallArguments): void {
  const { insns, liveRegisters, postorder } = analysis;
  const used = new Uint16Array(insns.length);
  const defined = new Uint16Array(insns.length);
  const effect: Effect = { use: 0, def: 0 };
  for (let slot = 0; slot < insns.length; slot++) {
    registerEffect(analysis, slot, argumentsOf, effect);
    used[slot] = effect.use;
    defined[slot] = effect.def;
  }
  const next = new Int32Array(2);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < postorder.length; i++) {
      const slot = postorder[i]!;
      const count = successors(insns, slot, next, analysis.subprogramOf(slot).exitSlot);
      let after = 0;
      for (let edge = 0; edge < count; edge++) after |= liveRegisters[next[edge]!]!;
      const before = (after & ~defined[slot]!) | used[slot]!;
      if (before === liveRegisters[slot]) continue;
      liveRegisters[slot] = before;
      changed = true;
    }
  }
}

interface Effect {
  use: number;
  def: number;
}

function setEffect(effect: Effect, use: number, def: number): void {
  effect.use = use;
  effect.def = def;
}

function registerEffect(analysis: Analysis, slot: number, argumentsOf: CallArguments, effect: Effect): void {
  const { insns } = analysis;
  const opcode = insns.opcode[slot]!;
  const dst = 1 << insns.dst[slot]!;
  const src = 1 << insns.src[slot]!;
  const fromRegister = (opcode & 8) !== 0;
  // What isn't described below is taken to read everything.
  setEffect(effect, 0xffff, 0);
  switch (opcode & 7) {
    case BPF_LD:
      if (opcode === 0x18) setEffect(effect, 0, dst);
      break;
    case BPF_LDX:
      setEffect(effect, src, dst);
      break;
    case BPF_ST:
      setEffect(effect, dst, 0);
      break;
    case BPF_STX:
      if ((opcode & 0xe0) === 0x60) setEffect(effect, dst | src, 0);
      else if ((opcode & 0xe0) === 0xc0) atomicEffect(insns.imm[slot]!, dst, src, effect);
      break;
    case BPF_ALU:
    case BPF_ALU64:
      if ((opcode & 0xf0) === 0xd0) setEffect(effect, dst, dst);
      else if ((opcode & 0xf0) === 0xb0) setEffect(effect, fromRegister ? src : 0, dst);
      else setEffect(effect, fromRegister ? dst | src : dst, dst);
      break;
    case BPF_JMP:
    case BPF_JMP32:
      jumpEffect(opcode, dst, src, effect);
      if ((opcode & 0xf0) === 0x80) {
        setEffect(effect, argumentsOf(slot) ?? CALLER_SAVED & ~1, CALLER_SAVED);
      }
      break;
    default:
  }
}

function atomicEffect(imm: number, dst: number, src: number, effect: Effect): void {
  if (imm === 0xf1) setEffect(effect, 1 | dst | src, 1);
  else if (imm === 0x100) setEffect(effect, src, dst);
  else if (imm === 0x110) setEffect(effect, dst | src, 0);
  else setEffect(effect, dst | src, (imm & 1) !== 0 ? src : 0);
}

function jumpEffect(opcode: number, dst: number, src: number, effect: Effect): void {
  const operation = opcode & 0xf0;
  if (operation === 0x00 || opcode === OPCODE_MAY_GOTO || operation === 0xe0) setEffect(effect, 0, 0);
  else if (operation === 0x90) setEffect(effect, 1, 0);
  else setEffect(effect, (opcode & 8) !== 0 ? dst | src : dst, 0);
}
