import { OPCODE_LDDW } from "../isa/index.js";
import {
  type Analysis,
  CALLS_CALLBACK,
  FORCED_CHECKPOINT,
  ITERATOR_NEXT,
  JUMP_POINT,
  PRUNE_POINT,
} from "./analysis.js";
import { callbackMode } from "./callbacks.js";
import {
  isFunctionAddress,
  isHelperCall,
  isJumpClass,
  isKfuncCall,
  isProgramCall,
  jumpDistance,
  OPCODE_MAY_GOTO,
  successors,
} from "./successors.js";

const UNSEEN = 0;
const OPEN = 1;
const DONE = 2;

/**
 * The depth-first walk over the control-flow graph, calls included: finds instructions that nothing reaches and jumps
 * into the middle of a lddw, and marks where the later walk has to look for equal states and to record its way.
 */
export class GraphWalk {
  readonly #analysis: Analysis;
  readonly #color: Uint8Array;
  /** Edges of each instruction that were followed already. */
  readonly #edge: Uint8Array;
  readonly #stack: number[] = [];

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
    this.#color = new Uint8Array(analysis.insns.length);
    this.#edge = new Uint8Array(analysis.insns.length);
  }

  run(): void {
    this.#walkFrom(0);
    const { exceptionCallback, subprograms } = this.#analysis;
    if (exceptionCallback > 0) {
      const start = subprograms[exceptionCallback]!.start;
      if (this.#color[start] === UNSEEN) this.#walkFrom(start);
    }
    this.#checkReached();
  }

  #walkFrom(start: number): void {
    this.#color[start] = OPEN;
    this.#stack.push(start);
    while (this.#stack.length > 0) {
      const slot = this.#stack[this.#stack.length - 1]!;
      if (this.#visit(slot)) continue;
      this.#color[slot] = DONE;
      this.#stack.pop();
    }
  }

  #checkReached(): void {
    const { insns } = this.#analysis;
    for (let slot = 0; slot < insns.length; slot++) {
      if (this.#color[slot] !== DONE) this.#analysis.invalid("control_flow", `unreachable insn ${slot}`);
      if (insns.opcode[slot] === OPCODE_LDDW) {
        if (this.#color[slot + 1] !== UNSEEN) {
          this.#analysis.invalid("control_flow", `jump into the middle of ldimm64 insn ${slot}`);
        }
        slot++;
      }
    }
  }

  #mark(slot: number, points: number): void {
    this.#analysis.points[slot] = this.#analysis.points[slot]! | points;
  }

  /** Follows edge number `edge` (from 0) to `target`; true where the walk continues there. */
  #follow(slot: number, target: number, edge: number): boolean {
    if (this.#edge[slot]! > edge) return false;
    const analysis = this.#analysis;
    if (target < 0 || target >= analysis.insns.length) {
      analysis.invalid("control_flow", `jump out of range from insn ${slot} to ${target}`);
    }
    if (edge === 1) this.#mark(target, PRUNE_POINT | JUMP_POINT);
    if (this.#color[target] === OPEN) {
      if (!analysis.hasBpf) {
        analysis.invalid("control_flow", `back-edge from insn ${slot} to ${target}`);
      }
      return false;
    }
    this.#edge[slot] = edge + 1;
    if (this.#color[target] === DONE) return false;
    this.#color[target] = OPEN;
    this.#stack.push(target);
    return true;
  }

  /** Follows the next edge of an instruction; false once there is none. */
  #visit(slot: number): boolean {
    const { insns } = this.#analysis;
    if (isFunctionAddress(insns, slot)) return this.#visitCall(slot, true);
    const opcode = insns.opcode[slot]!;
    if (!isJumpClass(opcode)) return this.#follow(slot, slot + (opcode === OPCODE_LDDW ? 2 : 1), 0);
    switch (opcode & 0xf0) {
      case 0x90:
        return false;
      case 0x80:
        this.#markCall(slot);
        return this.#visitCall(slot, insns.src[slot] === 1);
      case 0x00: {
        const target = slot + jumpDistance(insns, slot) + 1;
        if (this.#follow(slot, target, 0)) {
          this.#mark(target, PRUNE_POINT | JUMP_POINT);
          return true;
        }
        this.#mark(target, PRUNE_POINT | JUMP_POINT);
        return false;
      }
      default:
        this.#mark(slot, opcode === OPCODE_MAY_GOTO ? PRUNE_POINT | FORCED_CHECKPOINT : PRUNE_POINT);
        return this.#follow(slot, slot + 1, 0) || this.#follow(slot, slot + insns.offset[slot]! + 1, 1);
    }
  }

  #visitCall(slot: number, intoCallee: boolean): boolean {
    const { insns } = this.#analysis;
    const next = slot + (insns.opcode[slot] === OPCODE_LDDW ? 2 : 1);
    if (this.#follow(slot, next, 0)) return true;
    this.#mark(next, PRUNE_POINT | JUMP_POINT);
    if (!intoCallee) return false;
    this.#mark(slot, PRUNE_POINT);
    const callee = slot + insns.imm[slot]! + 1;
    this.#inheritEffects(slot, callee);
    return this.#follow(slot, callee, 1);
  }

  /** What a callee does to packets, and that it sleeps, its callers do as well. */
  #inheritEffects(slot: number, callee: number): void {
    const caller = this.#analysis.subprogramOf(slot);
    const called = this.#analysis.subprogramOf(callee);
    caller.changesPacket ||= called.changesPacket;
    caller.mightSleep ||= called.mightSleep;
  }

  #markCall(slot: number): void {
    const analysis = this.#analysis;
    const { insns } = analysis;
    const mode = callbackMode(analysis, slot);
    if (mode === "async") this.#mark(slot, PRUNE_POINT);
    if (mode === "sync") this.#mark(slot, CALLS_CALLBACK | FORCED_CHECKPOINT | PRUNE_POINT | JUMP_POINT);
    if (isProgramCall(insns, slot)) return;
    const subprogram = analysis.subprogramOf(slot);
    if (isHelperCall(insns, slot)) {
      const helper = analysis.helpers.get(insns.imm[slot]!);
      if (helper?.prototype.mightSleep) subprogram.mightSleep = true;
      if (helper?.prototype.changesPacket) subprogram.changesPacket = true;
    } else if (isKfuncCall(insns, slot)) {
      const kfunc = analysis.kfuncAt(slot);
      if (kfunc?.flags.has("iter_next")) this.#mark(slot, PRUNE_POINT | FORCED_CHECKPOINT | ITERATOR_NEXT);
      if (kfunc?.flags.has("sleepable")) subprogram.mightSleep = true;
      if (kfunc?.name === "bpf_xdp_pull_data") subprogram.changesPacket = true;
    }
  }
}

/** Instructions of every function in postorder: an instruction after those that follow it, loops apart. */
export function computePostorder(analysis: Analysis): void {
  const { insns } = analysis;
  const order = new Int32Array(insns.length);
  const seen = new Uint8Array(insns.length);
  const next = new Int32Array(2);
  let count = 0;
  for (const subprogram of analysis.subprograms) {
    subprogram.postorderStart = count;
    const stack = [subprogram.start];
    seen[subprogram.start] = OPEN;
    while (stack.length > 0) {
      const slot = stack[stack.length - 1]!;
      if (seen[slot] === DONE) {
        order[count++] = slot;
        stack.pop();
        continue;
      }
      seen[slot] = DONE;
      const edges = successors(insns, slot, next, subprogram.exitSlot);
      for (let i = 0; i < edges; i++) {
        const target = next[i]!;
        if (seen[target] !== UNSEEN) continue;
        seen[target] = OPEN;
        stack.push(target);
      }
    }
    subprogram.postorderEnd = count;
  }
  analysis.postorder = order.subarray(0, count);
}
