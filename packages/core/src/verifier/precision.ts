import { HELPER_TAIL_CALL } from "../abi/index.js";
import { BPF_ALU, BPF_ALU64, BPF_JMP, BPF_JMP32, BPF_LD, BPF_LDX, BPF_ST, BPF_STX } from "../isa/index.js";
import { type Analysis, CALLS_CALLBACK } from "./analysis.js";
import { callbackMode } from "./callbacks.js";
import { PRECISE, registerAt, slotAt, TYPE } from "./domain/register.js";
import { SCALAR } from "./pointer-types.js";
import { printFrame } from "./print-state.js";
import { FP, type Frame, MAX_FRAMES, type State } from "./state.js";
import { isKfuncCall, isProgramCall } from "./successors.js";

/** Flags of history entries: the instruction moved a register to or from a stack slot ... */
export const HISTORY_STACK = 1 << 9;
/** ... of this frame (3 bits) and slot (6 bits). */
export function stackHistory(frame: number, slot: number): number {
  return HISTORY_STACK | (slot << 3) | frame;
}
/** An operand of the comparison is a pointer into the stack. */
export const HISTORY_DST_STACK = 1 << 10;
export const HISTORY_SRC_STACK = 1 << 11;

/** A register or slot of a frame, as one number, in a set of linked registers. */
export function linkedRegister(frame: number, register: number): number {
  return (frame << 8) | register;
}
export function linkedSlot(frame: number, slot: number): number {
  return (frame << 8) | 0x80 | slot;
}

const ARGUMENTS = 0x3e;

/** What backtracking can't follow: then every scalar on the way is taken to matter. */
const GIVE_UP = Symbol("give up");

/**
 * Which scalars' exact values a check relied on. States that differ in other scalars are still equal, so the set has to
 * be found on demand: from the instruction that needs a value, walk back over the path's instructions and see which
 * registers and stack slots the value came from, and mark them in every checkpoint on the way.
 */
export class PrecisionTracker {
  readonly #analysis: Analysis;
  /** Registers looked for, one bit each, by frame. */
  readonly #registers = new Int32Array(MAX_FRAMES);
  /** Stack slots looked for: 64 bits as two words a frame. */
  readonly #slots = new Int32Array(MAX_FRAMES * 2);
  #frame = 0;

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
  }

  /** The value of a register of the current frame matters. */
  mark(register: number): void {
    if (!this.#analysis.hasBpf) return;
    const { state } = this.#analysis;
    this.#reset(state.frames.length - 1);
    this.#registers[this.#frame] = 1 << register;
    this.#track(state);
  }

  /** The values of a set of linked registers and slots matter. */
  markSet(state: State, members: readonly number[]): void {
    if (!this.#analysis.hasBpf) return;
    this.#reset(state.frames.length - 1);
    for (const member of members) this.#add(member);
    this.#track(state);
  }

  /**
   * What is precise in the checkpoint `old` is precise in `state` as well, where the path ends that reached an equal
   * state. Returns whether that marked anything new.
   */
  propagate(old: State, state: State): boolean {
    if (!this.#analysis.hasBpf) return false;
    this.#reset(state.frames.length - 1);
    const { log } = this.#analysis;
    for (let index = old.frames.length - 1; index >= 0; index--) {
      const names: string[] = [];
      this.#collectPrecise(old.frames[index]!, index, names);
      if (names.length > 0 && log.steps) log.write(`frame ${index}: propagating ${names.join(",")}\n`);
    }
    return this.#track(state);
  }

  #collectPrecise(frame: Frame, index: number, names: string[]): void {
    const r = frame.records;
    for (let register = 0; register < FP; register++) {
      const at = registerAt(register);
      if (r[at + TYPE] !== SCALAR || r[at + PRECISE] === 0) continue;
      this.#registers[index] = this.#registers[index]! | (1 << register);
      names.push(`r${register}`);
    }
    for (let slot = 0; slot < frame.slots; slot++) {
      if (!frame.holdsScalarSpill(slot) || r[slotAt(slot) + PRECISE] === 0) continue;
      this.#setSlot(index, slot);
      names.push(`fp${-8 * (slot + 1)}`);
    }
  }

  #reset(frame: number): void {
    this.#registers.fill(0);
    this.#slots.fill(0);
    this.#frame = frame;
  }

  #isEmpty(): boolean {
    let all = 0;
    for (let frame = 0; frame <= this.#frame; frame++) {
      all |= this.#registers[frame]! | this.#slots[2 * frame]! | this.#slots[2 * frame + 1]!;
    }
    return all === 0;
  }

  #wants(register: number): boolean {
    return ((this.#registers[this.#frame]! >>> register) & 1) === 1;
  }

  #want(register: number): void {
    if (register !== FP) this.#registers[this.#frame] = this.#registers[this.#frame]! | (1 << register);
  }

  #forget(register: number): void {
    this.#registers[this.#frame] = this.#registers[this.#frame]! & ~(1 << register);
  }

  #hasSlot(frame: number, slot: number): boolean {
    return ((this.#slots[2 * frame + (slot >> 5)]! >>> (slot & 31)) & 1) === 1;
  }

  #setSlot(frame: number, slot: number): void {
    const at = 2 * frame + (slot >> 5);
    this.#slots[at] = this.#slots[at]! | (1 << (slot & 31));
  }

  #clearSlot(frame: number, slot: number): void {
    const at = 2 * frame + (slot >> 5);
    this.#slots[at] = this.#slots[at]! & ~(1 << (slot & 31));
  }

  #hasSlots(frame: number): boolean {
    return (this.#slots[2 * frame]! | this.#slots[2 * frame + 1]!) !== 0;
  }

  #add(member: number): void {
    const frame = member >> 8;
    if ((member & 0x80) !== 0) this.#setSlot(frame, member & 0x7f);
    else this.#registers[frame] = this.#registers[frame]! | (1 << (member & 0xf));
  }

  #isWanted(member: number): boolean {
    const frame = member >> 8;
    if ((member & 0x80) !== 0) return this.#hasSlot(frame, member & 0x7f);
    return ((this.#registers[frame]! >>> (member & 0xf)) & 1) === 1;
  }

  /** Linked registers got their ranges together: where one matters, all do. */
  #spreadLinked(linked: number): void {
    if (linked === 0) return;
    const members = this.#analysis.linkedSets[linked]!;
    if (!members.some((member) => this.#isWanted(member))) return;
    for (const member of members) this.#add(member);
  }

  /** Walks back from `start`'s instruction through its checkpoints. Returns whether a mark was set. */
  #track(start: State): boolean {
    if (this.#isEmpty()) return false;
    let changed = false;
    let state: State | undefined = start;
    let first = start.firstSlot;
    let last = start.slot;
    let following = -1;
    let skip = true;
    while (state !== undefined) {
      this.#logStretch(last, first, following);
      if (last < 0) return this.#reachEntry(state) || changed;
      const outcome = this.#walkBack(state, last, following, skip);
      skip = false;
      if (outcome === GIVE_UP) {
        markAllPrecise(this.#analysis, start);
        return changed;
      }
      if (outcome === undefined) return changed;
      state = state.parent;
      if (state === undefined) break;
      if (this.#markCheckpoint(state)) changed = true;
      if (this.#isEmpty()) return changed;
      following = first;
      last = state.lastSlot;
      first = state.firstSlot;
    }
    markAllPrecise(this.#analysis, start);
    return changed;
  }

  #logStretch(last: number, first: number, following: number): void {
    const { log } = this.#analysis;
    if (!log.steps) return;
    log.write(`mark_precise: frame${this.#frame}: last_idx ${last} first_idx ${first} subseq_idx ${following} \n`);
  }

  /** The start of a global function: its arguments are what is looked for. */
  #reachEntry(state: State): boolean {
    const frame = state.frames[0]!;
    this.#analysis.pool.own(frame);
    let changed = false;
    for (let register = 1; register <= 5; register++) {
      const at = registerAt(register);
      if (!this.#wants(register) || frame.records[at + TYPE] !== SCALAR) continue;
      frame.records[at + PRECISE] = 1;
      changed = true;
    }
    return changed;
  }

  /**
   * Walks back over what `state` executed since its parent. Returns the slot it ended before, undefined once nothing is
   * looked for any more.
   */
  #walkBack(state: State, last: number, following: number, skipFirst: boolean): number | undefined | typeof GIVE_UP {
    const { history, firstSlot } = state;
    let left = history.length;
    let slot = last;
    let next = following;
    let skip = skipFirst;
    for (;;) {
      if (skip) skip = false;
      else {
        const entry = left > 0 && history.slot(left - 1) === slot ? left - 1 : -1;
        const flags = entry < 0 ? 0 : history.flags(entry);
        const linked = entry < 0 ? 0 : history.linked(entry);
        if (this.#stepBack(slot, next, entry >= 0, flags, linked) === GIVE_UP) return GIVE_UP;
      }
      if (this.#isEmpty()) return undefined;
      next = slot;
      if (slot === firstSlot && (left === 0 || (left === 1 && history.slot(0) === slot))) return slot;
      if (left > 0 && history.slot(left - 1) === slot) {
        left--;
        slot = history.previous(left);
      } else slot--;
      if (slot < 0 || slot >= this.#analysis.insns.length) return GIVE_UP;
    }
  }

  #stepBack(slot: number, next: number, inHistory: boolean, flags: number, linked: number): typeof GIVE_UP | undefined {
    const { insns } = this.#analysis;
    const opcode = insns.opcode[slot]!;
    if (opcode === 0) return undefined;
    this.#logStep(slot);
    this.#spreadLinked(linked);
    const dst = insns.dst[slot]!;
    const src = insns.src[slot]!;
    switch (opcode & 7) {
      case BPF_ALU:
      case BPF_ALU64:
        this.#stepAlu(opcode, dst, src);
        break;
      case BPF_LDX:
        this.#stepLoad(dst, flags);
        break;
      case BPF_STX:
      case BPF_ST:
        if ((opcode & 0xe7) === 0xc3 && insns.imm[slot] === 0x100) this.#stepLoad(dst, flags);
        else if (this.#stepStore(opcode, dst, src, flags) === GIVE_UP) return GIVE_UP;
        break;
      case BPF_JMP:
      case BPF_JMP32:
        if (this.#stepJump(slot, next, inHistory ? flags : 0) === GIVE_UP) return GIVE_UP;
        break;
      case BPF_LD:
        if (!this.#wants(dst)) break;
        this.#forget(dst);
        if (opcode !== 0x18) return GIVE_UP;
        break;
      default:
    }
    this.#spreadLinked(linked);
    return undefined;
  }

  #stepAlu(opcode: number, dst: number, src: number): void {
    if (!this.#wants(dst)) return;
    const operation = opcode & 0xf0;
    if (operation === 0x80 || operation === 0xd0) return;
    if (operation === 0xb0) this.#forget(dst);
    if ((opcode & 8) !== 0) this.#want(src);
  }

  #stepLoad(dst: number, flags: number): void {
    if (!this.#wants(dst)) return;
    this.#forget(dst);
    if ((flags & HISTORY_STACK) !== 0) this.#setSlot(flags & 7, (flags >> 3) & 63);
  }

  #stepStore(opcode: number, dst: number, src: number, flags: number): typeof GIVE_UP | undefined {
    // Stores go through pointers: a wanted base is the difference of two pointers.
    if (this.#wants(dst)) return GIVE_UP;
    if ((flags & HISTORY_STACK) === 0) return undefined;
    const frame = flags & 7;
    const slot = (flags >> 3) & 63;
    if (!this.#hasSlot(frame, slot)) return undefined;
    this.#clearSlot(frame, slot);
    if ((opcode & 7) === BPF_STX) this.#want(src);
    return undefined;
  }

  #stepJump(slot: number, next: number, flags: number): typeof GIVE_UP | undefined {
    const { insns } = this.#analysis;
    const opcode = insns.opcode[slot]!;
    if ((opcode & 0xf0) === 0x80) return this.#stepCall(slot, next);
    if ((opcode & 0xf0) === 0x90) return this.#stepExit(next);
    if ((opcode & 8) === 0 || (opcode & 0xf0) === 0) return undefined;
    const dst = insns.dst[slot]!;
    const src = insns.src[slot]!;
    if (!this.#wants(dst) && !this.#wants(src)) return undefined;
    if ((flags & HISTORY_SRC_STACK) === 0) this.#want(src);
    if ((flags & HISTORY_DST_STACK) === 0) this.#want(dst);
    return undefined;
  }

  #stepCall(slot: number, next: number): typeof GIVE_UP | undefined {
    const analysis = this.#analysis;
    const { insns } = analysis;
    if (isProgramCall(insns, slot)) {
      const callee = analysis.subprograms[analysis.subprogramAt(slot + insns.imm[slot]! + 1)]!;
      if (callee.global) {
        this.#forget(0);
        return (this.#registers[this.#frame]! & ARGUMENTS) === 0 ? undefined : GIVE_UP;
      }
      return this.#leaveCallee();
    }
    if (callbackMode(analysis, slot) === "sync" && slot !== next - 1) {
      // From the callback's start to the call that runs it: its arguments are not the call's.
      if ((this.#registers[this.#frame]! & ~ARGUMENTS) !== 0 || this.#hasSlots(this.#frame)) return GIVE_UP;
      this.#registers[this.#frame] = 0;
      return this.#popFrame();
    }
    if (isKfuncCall(insns, slot) && insns.imm[slot] === 0) return GIVE_UP;
    this.#forget(0);
    if ((this.#registers[this.#frame]! & ARGUMENTS) !== 0) return GIVE_UP;
    if (insns.src[slot] === 0 && insns.imm[slot] === HELPER_TAIL_CALL && next - slot !== 1) return this.#pushFrame();
    return undefined;
  }

  /** From a static function's start to its call: arguments come from the caller's registers. */
  #leaveCallee(): typeof GIVE_UP | undefined {
    const wanted = this.#registers[this.#frame]!;
    if ((wanted & ~ARGUMENTS) !== 0 || this.#hasSlots(this.#frame)) return GIVE_UP;
    this.#registers[this.#frame] = 0;
    const failed = this.#popFrame();
    if (failed !== GIVE_UP) this.#registers[this.#frame] = this.#registers[this.#frame]! | wanted;
    return failed;
  }

  #popFrame(): typeof GIVE_UP | undefined {
    if (this.#frame === 0) return GIVE_UP;
    this.#frame--;
    return undefined;
  }

  #pushFrame(): typeof GIVE_UP | undefined {
    if (this.#frame === MAX_FRAMES - 1) return GIVE_UP;
    this.#frame++;
    return undefined;
  }

  /** From behind a call to its callee's end: r0 is the result, unless the callee is a callback. */
  #stepExit(next: number): typeof GIVE_UP | undefined {
    const analysis = this.#analysis;
    if (next >= 0 && (analysis.points[next]! & CALLS_CALLBACK) !== 0) {
      this.#registers[this.#frame] = this.#registers[this.#frame]! & ~ARGUMENTS;
    }
    if ((this.#registers[this.#frame]! & ARGUMENTS) !== 0) return GIVE_UP;
    const result = next >= 1 && isProgramCall(analysis.insns, next - 1) && this.#wants(0);
    this.#forget(0);
    const failed = this.#pushFrame();
    if (result && failed !== GIVE_UP) this.#want(0);
    return failed;
  }

  /** Marks what is looked for in a checkpoint; what is marked already need not be followed further. */
  #markCheckpoint(state: State): boolean {
    let changed = false;
    for (let index = this.#frame; index >= 0; index--) {
      if (index >= state.frames.length) continue;
      if (this.#markFrame(state.frames[index]!, index)) changed = true;
      this.#logCheckpoint(state, index);
    }
    return changed;
  }

  #markFrame(frame: Frame, index: number): boolean {
    let changed = false;
    for (let wanted = this.#registers[index]!, register = 0; wanted !== 0; wanted >>>= 1, register++) {
      if ((wanted & 1) === 0) continue;
      const at = registerAt(register);
      if (frame.records[at + TYPE] === SCALAR && this.#markRecord(frame, at)) changed = true;
      else this.#registers[index] = this.#registers[index]! & ~(1 << register);
    }
    if (!this.#hasSlots(index)) return changed;
    for (let slot = 0; slot < 64; slot++) {
      if (!this.#hasSlot(index, slot)) continue;
      const holdsScalar = slot < frame.slots && frame.holdsScalarSpill(slot);
      if (holdsScalar && this.#markRecord(frame, slotAt(slot))) changed = true;
      else this.#clearSlot(index, slot);
    }
    return changed;
  }

  /** False where the scalar was marked before. */
  #markRecord(frame: Frame, at: number): boolean {
    if (frame.records[at + PRECISE] === 1) return false;
    this.#analysis.pool.own(frame);
    frame.records[at + PRECISE] = 1;
    return true;
  }

  #registerNames(frame: number): string {
    const names: string[] = [];
    for (let register = 0; register < 11; register++) {
      if (((this.#registers[frame]! >>> register) & 1) === 1) names.push(`r${register}`);
    }
    return names.join(",");
  }

  #slotNames(frame: number): string {
    const names: string[] = [];
    for (let slot = 0; slot < 64; slot++) {
      if (this.#hasSlot(frame, slot)) names.push(`-${8 * (slot + 1)}`);
    }
    return names.join(",");
  }

  #logStep(slot: number): void {
    const { log } = this.#analysis;
    if (!log.steps) return;
    const frame = this.#frame;
    log.write(
      `mark_precise: frame${frame}: regs=${this.#registerNames(frame)} stack=${this.#slotNames(frame)} before ` +
        `${slot}: ${this.#analysis.instructionText(slot)}\n`,
    );
  }

  #logCheckpoint(state: State, index: number): void {
    const { log } = this.#analysis;
    if (!log.steps) return;
    log.write(
      `mark_precise: frame${index}: parent state regs=${this.#registerNames(index)} stack=${this.#slotNames(index)}: ` +
        `${printFrame(this.#analysis, state, index, true)}\n`,
    );
  }
}

/** Every scalar in every checkpoint of the path matters: where the origin of a value can't be followed. */
export function markAllPrecise(analysis: Analysis, start: State): void {
  const { log } = analysis;
  if (log.steps) {
    log.write(`mark_precise: frame${start.frames.length - 1}: falling back to forcing all scalars precise\n`);
  }
  // Marks are never taken back: behind a checkpoint that has all of them, so has every earlier one.
  for (let state = start.parent; state !== undefined && !state.allPrecise; state = state.parent) {
    for (const frame of state.frames) forcePrecise(analysis, frame);
    state.allPrecise = true;
  }
}

function forcePrecise(analysis: Analysis, frame: Frame): void {
  const { log, pool } = analysis;
  pool.own(frame);
  const r = frame.records;
  for (let register = 0; register < FP; register++) {
    const at = registerAt(register);
    if (r[at + TYPE] !== SCALAR || r[at + PRECISE] === 1) continue;
    r[at + PRECISE] = 1;
    if (log.steps) log.write(`force_precise: frame${frame.number}: forcing r${register} to be precise\n`);
  }
  for (let slot = 0; slot < frame.slots; slot++) {
    const at = slotAt(slot);
    if (!frame.holdsScalarSpill(slot) || r[at + PRECISE] === 1) continue;
    r[at + PRECISE] = 1;
    if (log.steps) log.write(`force_precise: frame${frame.number}: forcing fp${-8 * (slot + 1)} to be precise\n`);
  }
}
