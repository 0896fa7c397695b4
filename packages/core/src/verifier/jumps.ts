import { BPF_JMP32 } from "../isa/index.js";
import type { Analysis } from "./analysis.js";
import { ADD, applyScalarOperation, setKnown } from "./domain/arithmetic.js";
import { decideScalars, JEQ, JNE, mirrored, type Outcome, refineScalars } from "./domain/condition.js";
import {
  copyRegister,
  ID,
  isConstant,
  isConstant32,
  OFF,
  REGISTER_WORDS,
  registerAt,
  slotAt,
  TYPE,
  VALUE,
} from "./domain/register.js";
import { ADD_CONSTANT, ADD_CONSTANT_32 } from "./linked.js";
import { isNotNull, setNotNull, settleNullness } from "./nullness.js";
import { decidePacket, isPacketOrEnd, learnPacketRange } from "./packet-range.js";
import { pushPath, pushSpeculation } from "./pending.js";
import { BTF_ID, KIND, MAYBE_NULL, SCALAR, STACK } from "./pointer-types.js";
import { HISTORY_DST_STACK, HISTORY_SRC_STACK, linkedRegister, linkedSlot } from "./precision.js";
import { hidesValue, requireReadable, unlink } from "./registers.js";
import { FP, type State } from "./state.js";
import { logInstructionState } from "./trace.js";
import type { Walk } from "./walk.js";

/** Linked registers that one branch narrows at once; further ones are taken off the link. */
const MAX_LINKED = 6;
const JUMP_TAKEN = 1;
const JUMP_NOT_TAKEN = 2;

// The immediate operand, once for each branch.
const immediates = new Int32Array(2 * REGISTER_WORDS);

interface Comparison {
  readonly jump: number;
  readonly is32: boolean;
  readonly fromRegister: boolean;
  readonly dst: number;
  readonly src: number;
}

/** A conditional jump: follows the branch that can be taken, or one of them, and puts the other aside. */
export function stepJump(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const jump = opcode & 0xf0;
  if (jump === 0x00 || jump > 0xe0) {
    analysis.invalid("malformed", `invalid BPF_JMP/JMP32 opcode ${jump.toString(16)}`);
  }
  const comparison: Comparison = {
    jump,
    is32: (opcode & 7) === BPF_JMP32,
    fromRegister: (opcode & 8) !== 0,
    dst: insns.dst[slot]!,
    src: insns.src[slot]!,
  };
  prepareOperands(walk, comparison);
  const outcome = decide(walk, comparison);
  const { branches } = analysis;
  if (outcome !== "unknown") {
    markDecided(walk, comparison);
    if (analysis.speculates) guessOtherwise(analysis, comparison, outcome);
    branches[slot] = branches[slot]! | (outcome === "taken" ? JUMP_TAKEN : JUMP_NOT_TAKEN);
    logInstructionState(analysis);
    analysis.slot = slot + 1 + (outcome === "taken" ? insns.offset[slot]! : 0);
    return;
  }
  branches[slot] = JUMP_TAKEN | JUMP_NOT_TAKEN;
  split(walk, comparison);
  logInstructionState(analysis);
  analysis.slot = slot + 1;
}

function prepareOperands(walk: Walk, { fromRegister, dst, src }: Comparison): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  requireReadable(analysis, dst);
  const { records } = analysis.frame;
  let flags = 0;
  if (fromRegister) {
    if (insns.imm[slot] !== 0) analysis.invalid("malformed", "BPF_JMP/JMP32 uses reserved fields");
    requireReadable(analysis, src);
    const packets = isPacketOrEnd(records, registerAt(dst)) && isPacketOrEnd(records, registerAt(src));
    if (!packets && hidesValue(analysis, src)) {
      analysis.deny("pointer_leak", `R${src} pointer comparison prohibited`);
    }
    if (records[registerAt(src) + TYPE] === STACK) flags |= HISTORY_SRC_STACK;
  } else {
    if (src !== 0) analysis.invalid("malformed", "BPF_JMP/JMP32 uses reserved fields");
    const imm = insns.imm[slot]!;
    for (const at of [0, REGISTER_WORDS]) {
      immediates[at + TYPE] = SCALAR;
      setKnown(immediates, at, imm, imm >> 31);
    }
  }
  if (records[registerAt(dst) + TYPE] === STACK) flags |= HISTORY_DST_STACK;
  if (flags !== 0) analysis.pushHistory(analysis.state, flags, 0);
}

function decide(walk: Walk, { jump, is32, fromRegister, dst, src }: Comparison): Outcome {
  const { records } = walk.analysis.frame;
  const a = registerAt(dst);
  const s = fromRegister ? records : immediates;
  const b = fromRegister ? registerAt(src) : 0;
  if (!is32 && isPacketOrEnd(records, a) && isPacketOrEnd(s, b)) return decidePacket(jump, records, a, s, b);
  if (records[a + TYPE] === SCALAR && s[b + TYPE] === SCALAR) return decideScalars(jump, is32, records, a, s, b);
  if (isKnownScalar(is32, s, b)) return decidePointer(jump, is32, records, a, s, b);
  if (isKnownScalar(is32, records, a)) return decidePointer(mirrored(jump), is32, s, b, records, a);
  return "unknown";
}

function isKnownScalar(is32: boolean, r: Int32Array, at: number): boolean {
  return r[at + TYPE] === SCALAR && (is32 ? isConstant32(r, at) : isConstant(r, at));
}

/** A pointer that can't be null, compared with 0. */
function decidePointer(
  jump: number,
  is32: boolean,
  r: Int32Array,
  pointer: number,
  s: Int32Array,
  scalar: number,
): Outcome {
  if (!isNotNull(r, pointer)) return "unknown";
  if ((s[scalar + VALUE]! | (is32 ? 0 : s[scalar + VALUE + 1]!)) !== 0) return "unknown";
  if (jump === JEQ) return "not_taken";
  return jump === JNE ? "taken" : "unknown";
}

/** A CPU may guess that a jump goes where it never does. */
function guessOtherwise(analysis: Analysis, { fromRegister, dst, src }: Comparison, outcome: Outcome): void {
  const { insns, slot } = analysis;
  const other = outcome === "taken" ? slot + 1 : slot + 1 + insns.offset[slot]!;
  pushSpeculation(analysis, other, slot, fromRegister ? [dst, src] : [dst]);
}

/** The outcome relied on the exact values. */
function markDecided(walk: Walk, { fromRegister, dst, src }: Comparison): void {
  const { records } = walk.analysis.frame;
  if (records[registerAt(dst) + TYPE] === SCALAR) walk.precision.mark(dst);
  if (fromRegister && records[registerAt(src) + TYPE] === SCALAR) walk.precision.mark(src);
}

function split(walk: Walk, comparison: Comparison): void {
  const { analysis } = walk;
  const { jump, is32, fromRegister, dst, src } = comparison;
  const here = analysis.state;
  const linked = collectLinked(walk, comparison);
  const there = pushPath(analysis, analysis.slot + 1 + analysis.insns.offset[analysis.slot]!, analysis.slot);
  const a = registerAt(dst);
  const b = fromRegister ? registerAt(src) : 0;
  refineBranch(here, false, comparison, immediates, REGISTER_WORDS);
  refineBranch(there, true, comparison, immediates, 0);
  if (fromRegister) spreadToLinked(here, there, b, linked);
  spreadToLinked(here, there, a, linked);
  if (!is32 && fromRegister) liftNullness(walk, jump, here, there, a, b);
  const records = here.frame.records;
  const type = records[a + TYPE]!;
  const isNullCheck =
    !is32 &&
    !fromRegister &&
    (jump === JEQ || jump === JNE) &&
    analysis.insns.imm[analysis.slot] === 0 &&
    (type & MAYBE_NULL) !== 0;
  if (isNullCheck) {
    settleNullness(analysis, here, a, jump === JNE);
    settleNullness(analysis, there, a, jump === JEQ);
    return;
  }
  const packets = !is32 && fromRegister && learnPacketRange(jump, here, there, a, b);
  if (!packets && hidesValue(analysis, dst)) {
    analysis.deny("pointer_leak", `R${dst} pointer comparison prohibited`);
  }
}

function refineBranch(
  state: State,
  taken: boolean,
  { jump, is32, fromRegister, dst, src }: Comparison,
  immediate: Int32Array,
  at: number,
): void {
  const { records } = state.frame;
  const a = registerAt(dst);
  const s = fromRegister ? records : immediate;
  const b = fromRegister ? registerAt(src) : at;
  if (records[a + TYPE] !== SCALAR || s[b + TYPE] !== SCALAR) return;
  refineScalars(jump, is32, taken, records, a, s, b);
}

/** One of two equal pointers isn't null: then the other isn't. */
function liftNullness(walk: Walk, jump: number, here: State, there: State, a: number, b: number): void {
  const { records } = here.frame;
  const x = records[a + TYPE]!;
  const y = records[b + TYPE]!;
  if (x === SCALAR || y === SCALAR || (x & MAYBE_NULL) === (y & MAYBE_NULL)) return;
  if ((x & KIND) === BTF_ID || (y & KIND) === BTF_ID) return;
  const equal = jump === JEQ ? there : jump === JNE ? here : undefined;
  if (equal !== undefined) setNotNull(walk.analysis, equal.frame.records, (x & MAYBE_NULL) !== 0 ? a : b);
}

/** Registers and slots that share an id with an operand: what the branch says holds for them as well. */
function collectLinked(walk: Walk, { fromRegister, dst, src }: Comparison): readonly number[] {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const linked: number[] = [];
  for (const register of fromRegister ? [src, dst] : [dst]) {
    const at = registerAt(register);
    if (records[at + TYPE] !== SCALAR || records[at + ID] === 0) continue;
    collectSharing(walk, records[at + ID]! & ~ADD_CONSTANT, linked);
  }
  if (linked.length > 1) {
    analysis.linkedSets.push(linked);
    analysis.pushHistory(analysis.state, 0, analysis.linkedSets.length - 1);
  }
  return linked;
}

function collectSharing(walk: Walk, id: number, linked: number[]): void {
  const { analysis } = walk;
  const { state } = analysis;
  for (let index = state.frames.length - 1; index >= 0; index--) {
    const frame = state.frames[index]!;
    const live = analysis.liveRegisters[state.slotOfFrame(index)]!;
    for (let register = 0; register < FP; register++) {
      if (((live >>> register) & 1) === 0) continue;
      collectOne(frame.records, registerAt(register), id, linkedRegister(index, register), linked);
    }
    for (let slot = 0; slot < frame.slots; slot++) {
      if (frame.holdsSpill(slot)) collectOne(frame.records, slotAt(slot), id, linkedSlot(index, slot), linked);
    }
  }
}

function collectOne(r: Int32Array, at: number, id: number, member: number, linked: number[]): void {
  if (r[at + TYPE] !== SCALAR || (r[at + ID]! & ~ADD_CONSTANT) !== id) return;
  if (linked.length < MAX_LINKED) linked.push(member);
  else unlink(r, at);
}

function spreadToLinked(here: State, there: State, at: number, linked: readonly number[]): void {
  const { records } = here.frame;
  if (records[at + TYPE] !== SCALAR || records[at + ID] === 0) return;
  spread(here, at, linked);
  spread(there, at, linked);
}

const distance = new Int32Array(REGISTER_WORDS);

/** Copies what is known of a scalar to those linked to it, at their distance. */
function spread(state: State, at: number, linked: readonly number[]): void {
  const known = state.frame.records;
  for (const member of linked) {
    const frame = state.frames[member >> 8]!;
    const isSlot = (member & 0x80) !== 0;
    const to = isSlot ? slotAt(member & 0x7f) : registerAt(member & 0xf);
    const r = frame.records;
    if (r[to + TYPE] !== SCALAR || (r === known && to === at)) continue;
    if ((r[to + ID]! & ~ADD_CONSTANT) !== (known[at + ID]! & ~ADD_CONSTANT)) continue;
    copyAtDistance(r, to, known, at);
  }
}

function copyAtDistance(r: Int32Array, to: number, known: Int32Array, at: number): void {
  const id = r[to + ID]!;
  const off = r[to + OFF]!;
  const plain = (id & ADD_CONSTANT) === 0 && (known[at + ID]! & ADD_CONSTANT) === 0;
  if (plain || off === known[at + OFF]) {
    copyRegister(r, to, known, at);
    return;
  }
  const delta = off - known[at + OFF]!;
  distance[TYPE] = SCALAR;
  setKnown(distance, 0, delta | 0, delta < 0 ? -1 : 0);
  const is32 = (known[at + ID]! & ADD_CONSTANT_32) !== 0;
  copyRegister(r, to, known, at);
  r[to + OFF] = off;
  r[to + ID] = id;
  applyScalarOperation(ADD, is32, r, to, distance, 0);
}
