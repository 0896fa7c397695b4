import { E2BIG } from "../abi/index.js";
import { OPCODE_LDDW } from "../isa/index.js";
import type { Analysis, Subprogram } from "./analysis.js";
import { MAX_FRAMES, MAX_STACK } from "./state.js";
import { isFunctionAddress, isKfuncCall, isProgramCall } from "./successors.js";

/** Bytes that a function's stack is rounded up to. */
const ROUNDING = 16;
/** Stack of a function from which on it gets a private one, where the program type has them. */
const PRIVATE_MINIMUM = 64;
/** Bytes of stack above a function that tail calls. */
const TAIL_CALL_LIMIT = 256;

interface Call {
  readonly subprogram: number;
  slot: number;
}

/**
 * Adds up the stack of every chain of calls: 512 bytes in all, or for each function where the program type's functions
 * have private stacks; 256 above a function that tail calls, since tail calls keep the callers' stack.
 */
export function checkStackDepth(analysis: Analysis): void {
  const tailCalls = analysis.subprograms.some((subprogram) => subprogram.hasTailCall);
  const { options, rules } = analysis;
  const privateStacks = !tailCalls && rules.privateStack === true && options.privateStacks !== false;
  const shared = new Set<number>();
  for (let index = analysis.subprograms.length - 1; index >= 0; index--) {
    if (index === 0) checkChains(analysis, 0, privateStacks, shared);
    else if (analysis.subprograms[index]!.isAsyncCallback) checkChains(analysis, index, false, shared);
  }
}

function roundedDepth(subprogram: Subprogram): number {
  return Math.ceil(subprogram.stackDepth / ROUNDING) * ROUNDING;
}

function checkChains(analysis: Analysis, start: number, privateStacks: boolean, shared: Set<number>): void {
  const { subprograms } = analysis;
  const path: Call[] = [{ subprogram: start, slot: subprograms[start]!.start }];
  let depth = enter(analysis, path, 0, privateStacks, shared);
  while (path.length > 0) {
    const top = path[path.length - 1]!;
    const current = subprograms[top.subprogram]!;
    const callee = nextCallee(analysis, path, current.end);
    if (callee < 0) {
      path.pop();
      if (!isPrivate(top.subprogram, current, privateStacks, shared)) depth -= roundedDepth(current);
      continue;
    }
    if (path.length >= MAX_FRAMES) {
      analysis.reject("call_depth", E2BIG, `the call stack of ${path.length} frames is too deep !`);
    }
    path.push({ subprogram: callee, slot: subprograms[callee]!.start });
    depth = enter(analysis, path, depth, privateStacks, shared);
  }
}

function isPrivate(
  index: number,
  subprogram: Subprogram,
  privateStacks: boolean,
  shared: ReadonlySet<number>,
): boolean {
  return privateStacks && !shared.has(index) && roundedDepth(subprogram) >= PRIVATE_MINIMUM;
}

/** Adds the stack of the innermost function; returns the new sum. */
function enter(
  analysis: Analysis,
  path: readonly Call[],
  depth: number,
  privateStacks: boolean,
  shared: Set<number>,
): number {
  const index = path[path.length - 1]!.subprogram;
  const subprogram = analysis.subprograms[index]!;
  if (!privateStacks) shared.add(index);
  if (index !== 0 && subprogram.hasTailCall && depth >= TAIL_CALL_LIMIT) {
    analysis.deny(
      "stack_depth",
      `tail_calls are not allowed when call stack of previous frames is ${depth} bytes. Too large`,
    );
  }
  if (subprogram.hasTailCall) {
    for (const call of path) analysis.subprograms[call.subprogram]!.tailCallReachable = true;
  }
  const own = roundedDepth(subprogram);
  if (isPrivate(index, subprogram, privateStacks, shared)) {
    if (own > MAX_STACK) {
      analysis.deny("stack_depth", `stack size of subprog ${index} is ${own}. Too large`);
    }
    return depth;
  }
  const sum = depth + own;
  if (sum > MAX_STACK) {
    analysis.deny("stack_depth", `combined stack size of ${path.length} calls is ${sum}. Too large`);
  }
  return sum;
}

/** The next function that the one at the top of the path calls, or -1; advances its slot. */
function nextCallee(analysis: Analysis, path: readonly Call[], end: number): number {
  const { insns } = analysis;
  const call = path[path.length - 1]!;
  while (call.slot < end) {
    const slot = call.slot;
    call.slot += insns.opcode[slot] === OPCODE_LDDW ? 2 : 1;
    if (isKfuncCall(insns, slot) && analysis.kfuncAt(slot)?.name === "bpf_throw") refuseThrow(analysis, path, slot);
    if (!isProgramCall(insns, slot) && !isFunctionAddress(insns, slot)) continue;
    const callee = analysis.subprogramAt(slot + insns.imm[slot]! + 1);
    if (analysis.subprograms[callee]!.isExceptionCallback) {
      analysis.invalid("call", `insn ${slot} cannot call exception cb directly`);
    }
    // An asynchronous callback runs on a stack of its own, unless it is called like any function.
    if (analysis.subprograms[callee]!.isAsyncCallback && !isProgramCall(insns, slot)) continue;
    return callee;
  }
  return -1;
}

/** An exception can't leave a callback: what called it is not the program's. */
function refuseThrow(analysis: Analysis, path: readonly Call[], slot: number): void {
  if (!path.some((call) => analysis.subprograms[call.subprogram]!.isCallback)) return;
  const index = path[path.length - 1]!.subprogram;
  analysis.invalid("call", `bpf_throw kfunc (insn ${slot}) cannot be called from callback subprog ${index}`);
}
