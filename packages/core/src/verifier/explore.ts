import { E2BIG, EACCES, EINVAL, EPERM } from "../abi/index.js";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_ST,
  BPF_STX,
} from "../isa/index.js";
import { stepAlu } from "./alu.js";
import {
  type Analysis,
  JUMP_POINT,
  MAX_PROCESSED,
  NO_SPECULATION,
  NO_SPECULATION_AFTER,
  NotModelled,
  PRUNE_POINT,
  Rejection,
} from "./analysis.js";
import { stepAtomic } from "./atomics.js";
import { stepLoadConstant, stepLoadPacket } from "./constants.js";
import { stepExit } from "./exit.js";
import { stepHelperCall } from "./helper-calls.js";
import { stepJump } from "./jumps.js";
import { stepKfuncCall } from "./kfunc-calls.js";
import { stepMayGoto } from "./may-goto.js";
import { stepLoad, stepStore } from "./memory.js";
import { printFrame } from "./print-state.js";
import { stepProgramCall } from "./program-calls.js";
import { logLine } from "./source-lines.js";
import type { State } from "./state.js";
import { isKfuncCall, isProgramCall, jumpDistance, OPCODE_JA, OPCODE_JA32, OPCODE_MAY_GOTO } from "./successors.js";
import { logInstructionState } from "./trace.js";
import type { Walk } from "./walk.js";

/** Instructions between two questions whether to stop. */
const STOP_INTERVAL = 1024;

const HELPER_SPIN_UNLOCK = 94;
/** Kernel functions that can be called with a lock held. */
const LOCKED_FUNCTIONS = /^bpf_(list_|rbtree_|refcount_acquire_impl$|iter_num_|res_spin_)/;

/** Walks all paths from the current state, depth first, until each has ended or met one that is known to be safe. */
export function explore(walk: Walk): void {
  const { analysis } = walk;
  const { insns, log, points } = analysis;
  let printState = false;
  analysis.previousSlot = -1;
  for (;;) {
    analysis.historyEntry = -1;
    const { slot, state } = analysis;
    if (++analysis.processed > MAX_PROCESSED) {
      analysis.reject("too_complex", E2BIG, `BPF program is too large. Processed ${analysis.processed} insn`);
    }
    if (analysis.processed % STOP_INTERVAL === 0 && analysis.options.shouldStop?.() === true) {
      throw new NotModelled("the analysis was stopped");
    }
    if (!state.speculative) analysis.visits[slot] = analysis.visits[slot]! + 1;
    state.lastSlot = analysis.previousSlot;
    state.slot = slot;
    if ((points[slot]! & PRUNE_POINT) !== 0 && walk.checkpoints.visit(slot)) {
      logPruned(analysis, printState);
      if (!nextPath(walk)) return;
      printState = true;
      continue;
    }
    if ((points[slot]! & JUMP_POINT) !== 0) analysis.pushHistory(state, 0, 0);
    if (log.walk) {
      logStep(analysis, state, printState);
      if (log.steps) printState = false;
    }
    const previous = slot;
    state.walked++;
    const ends = state.speculative ? stepSpeculatively(walk) : step(walk);
    if (ends) {
      if (!nextPath(walk)) return;
      printState = true;
      continue;
    }
    if (analysis.returned) {
      analysis.returned = false;
      printState = true;
    }
    analysis.previousSlot = previous;
    if (analysis.slot >= insns.length) analysis.notModelled("control past the end of the program");
  }
}

/** One instruction; true where the path ends with it. */
function step(walk: Walk): boolean {
  const { insns, slot } = walk.analysis;
  walk.liveness.begin();
  const kind = insns.opcode[slot]! & 7;
  let ends = false;
  if (kind === BPF_JMP || kind === BPF_JMP32) ends = stepControl(walk);
  else stepData(walk, kind);
  walk.liveness.commit();
  return ends;
}

/**
 * One instruction of a path that exists only in speculation. What would be unsafe there gets a barrier before it, so that
 * no CPU comes to it that way, and the path ends; so it does at a barrier that is there already.
 */
function stepSpeculatively(walk: Walk): boolean {
  const { analysis } = walk;
  const { points, slot } = analysis;
  if ((points[slot]! & NO_SPECULATION) !== 0) return true;
  try {
    if (step(walk)) return true;
  } catch (error) {
    if (!(error instanceof Rejection) || !curable.has(error.errno)) throw error;
    walk.liveness.commit();
    analysis.slot = slot;
    points[slot] = points[slot]! | NO_SPECULATION;
    walk.masks.clear(slot);
    return true;
  }
  return (points[slot]! & NO_SPECULATION_AFTER) !== 0;
}

/** Errors of a path that a barrier can keep from being taken. */
const curable: ReadonlySet<number> = new Set([EPERM, EACCES, EINVAL]);

/** Takes up the path put aside last; false where there is none. */
function nextPath(walk: Walk): boolean {
  const { analysis } = walk;
  analysis.touchEverything();
  finishBranch(walk, analysis.state);
  walk.liveness.propagate();
  const next = analysis.pending.pop();
  analysis.state.discard(analysis.pool);
  if (next === undefined) return false;
  analysis.state = next.state;
  analysis.slot = next.slot;
  analysis.previousSlot = next.previousSlot;
  if (!analysis.log.steps) analysis.log.cut(next.logPosition);
  return true;
}

/** One path less from each checkpoint on the way here; those without any are proven safe. */
function finishBranch(walk: Walk, ended: State): void {
  let previous: State | undefined;
  for (let state: State | undefined = ended; state !== undefined; ) {
    state.branches--;
    if (state.branches > 0) break;
    const before: { longest: number } = state.parent ?? walk.analysis;
    before.longest = Math.max(before.longest, state.walked + state.longest);
    walk.loops.exit(state, () => walk.checkpoints.notePeak());
    const parent: State | undefined = state.parent;
    if (previous !== undefined) walk.checkpoints.release(previous);
    previous = state === ended ? undefined : state;
    state = parent;
  }
  if (previous !== undefined) walk.checkpoints.release(previous);
}

function logPruned(analysis: Analysis, printState: boolean): void {
  if (!analysis.log.walk) return;
  const { previousSlot, slot, state } = analysis;
  analysis.log.write(printState ? `\nfrom ${previousSlot} to ${slot}${guessed(state)}: safe\n` : `${slot}: safe\n`);
}

function guessed({ speculative }: State): string {
  return speculative ? " (speculative execution)" : "";
}

function logStep(analysis: Analysis, state: State, printState: boolean): void {
  const { log, slot } = analysis;
  if (log.steps && printState) {
    const frame = printFrame(analysis, state, state.frames.length - 1, true);
    log.write(`\nfrom ${analysis.previousSlot} to ${slot}${guessed(state)}:${frame}\n`);
  }
  if (analysis.isAnythingTouched()) logInstructionState(analysis);
  logLine(analysis, slot, "; ");
  const start = log.position;
  log.write(`${slot}: ${analysis.instructionText(slot)}\n`);
  analysis.instructionWidth = log.position - start;
  analysis.instructionEnd = log.position;
}

function stepData(walk: Walk, kind: number): void {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  const mode = opcode & 0xe0;
  switch (kind) {
    case BPF_ALU:
    case BPF_ALU64:
      stepAlu(walk);
      break;
    case BPF_LDX:
      stepLoad(walk, mode === 0x80, false);
      break;
    case BPF_STX:
      if (mode === 0xc0) stepAtomic(walk);
      else {
        if (mode !== 0x60 || insns.imm[slot] !== 0) {
          analysis.invalid("malformed", "BPF_STX uses reserved fields");
        }
        stepStore(walk, false, false);
      }
      break;
    case BPF_ST:
      if (mode !== 0x60 || insns.src[slot] !== 0) {
        analysis.invalid("malformed", "BPF_ST uses reserved fields");
      }
      stepStore(walk, true, false);
      break;
    case BPF_LD:
      if (mode === 0x00) {
        stepLoadConstant(walk);
        analysis.slot++;
        analysis.state.walked++;
        if (!analysis.state.speculative) analysis.visits[slot + 1] = analysis.visits[slot + 1]! + 1;
      } else if (stepLoadPacket(walk)) {
        analysis.returned = true;
        return;
      }
      break;
    default:
  }
  analysis.slot++;
}

/** Jumps, calls and exits; true where the path ends. */
function stepControl(walk: Walk): boolean {
  const { analysis } = walk;
  const { insns, slot } = analysis;
  const opcode = insns.opcode[slot]!;
  analysis.jumpsProcessed++;
  switch (opcode & 0xf0) {
    case 0x80:
      return stepCall(walk);
    case 0x90:
      if ((insns.imm[slot]! | insns.src[slot]! | insns.dst[slot]!) !== 0) {
        analysis.invalid("malformed", "BPF_EXIT uses reserved fields");
      }
      if (stepExit(walk)) return true;
      analysis.returned = true;
      return false;
    case 0x00:
      stepGoto(analysis, opcode);
      return false;
    default:
      if (opcode === OPCODE_MAY_GOTO) stepMayGoto(walk);
      else stepJump(walk);
      return false;
  }
}

function stepGoto(analysis: Analysis, opcode: number): void {
  const { insns, slot } = analysis;
  const misused =
    (insns.src[slot]! | insns.dst[slot]!) !== 0 ||
    (opcode === OPCODE_JA && insns.imm[slot] !== 0) ||
    (opcode === OPCODE_JA32 && insns.offset[slot] !== 0);
  if (misused) analysis.invalid("malformed", "BPF_JA uses reserved fields");
  analysis.slot = slot + jumpDistance(insns, slot) + 1;
}

/** With a lock held, programs may only work on what it guards. */
function mayCallLocked(analysis: Analysis, slot: number): boolean {
  const { insns } = analysis;
  if (insns.src[slot] === 0) return insns.imm[slot] === HELPER_SPIN_UNLOCK;
  if (!isKfuncCall(insns, slot)) return true;
  const name = analysis.kfuncAt(slot)?.name;
  return name !== undefined && LOCKED_FUNCTIONS.test(name);
}

function stepCall(walk: Walk): boolean {
  const { analysis } = walk;
  const { insns, slot, state } = analysis;
  const src = insns.src[slot]!;
  if (
    (src !== BPF_PSEUDO_KFUNC_CALL && insns.offset[slot] !== 0) ||
    src > BPF_PSEUDO_KFUNC_CALL ||
    insns.dst[slot] !== 0
  ) {
    analysis.invalid("malformed", "BPF_CALL uses reserved fields");
  }
  if (state.locks > 0 && !mayCallLocked(analysis, slot)) {
    analysis.invalid("lock", "function calls are not allowed while holding a lock");
  }
  let ends = false;
  if (isProgramCall(insns, slot)) stepProgramCall(walk);
  else if (isKfuncCall(insns, slot)) ends = stepKfuncCall(walk);
  else stepHelperCall(walk);
  analysis.touchRegister(0);
  return ends;
}
