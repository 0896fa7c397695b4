import { EFAULT } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { isFunctionAddress } from "./successors.js";

/** A stretch of instructions that no path reaches, in slots: the kernel takes them out before it translates. */
interface Gap {
  readonly start: number;
  readonly end: number;
}

/**
 * An instruction that is reached may name a function that is not: its address is loaded and never called. With the
 * function gone, the kernel's address points at what has moved up, and 6.18 refuses where that is no function.
 */
export function checkDeadFunctions(analysis: Analysis): void {
  const { insns, subprograms, visits } = analysis;
  const living = subprograms.filter(({ start }) => visits[start] !== 0);
  // A program that is down to one function is translated without looking at function addresses.
  if (living.length === subprograms.length || living.length === 1) return;
  const gaps = findGaps(visits);
  const starts = new Set(living.map(({ start }) => start - removedBefore(gaps, start)));
  for (let slot = 0; slot < insns.length; slot++) {
    if (visits[slot] === 0 || !isFunctionAddress(insns, slot)) continue;
    const target = slot + insns.imm[slot]! + 1;
    if (visits[target] !== 0) continue;
    const moved = targetAfterRemoval(gaps, target);
    if (starts.has(moved)) continue;
    analysis.reject("call", EFAULT, `verifier bug: No program to jit at insn ${moved} (subprog < 0)`);
  }
}

function findGaps(visits: Uint32Array): Gap[] {
  const gaps: Gap[] = [];
  for (let slot = 0; slot < visits.length; slot++) {
    if (visits[slot] !== 0) continue;
    const start = slot;
    while (slot < visits.length && visits[slot] === 0) slot++;
    gaps.push({ start, end: slot });
  }
  return gaps;
}

function removedBefore(gaps: readonly Gap[], slot: number): number {
  return gaps.reduce((sum, { start, end }) => (end <= slot ? sum + end - start : sum), 0);
}

/** Gaps are closed from the first to the last; one that holds the target leaves its number as it is. */
function targetAfterRemoval(gaps: readonly Gap[], target: number): number {
  let moved = target;
  let removed = 0;
  for (const { start, end } of gaps) {
    if (moved >= end - removed) moved -= end - start;
    removed += end - start;
  }
  return moved;
}
