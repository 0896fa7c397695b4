import { HELPER_TAIL_CALL } from "../abi/index.js";
import { type DecodedProgram, targetOf } from "../runtime/index.js";
import type { ProgramFacts } from "../verifier/index.js";
import { forEachSlot, type ProgramFunction } from "./program-functions.js";

/** Longer runs than this count what they execute. */
const LONGEST_FREE = 2 ** 48;

/**
 * How a program's code heeds the budget.
 *
 * - `metered`: it counts the slots that it executes, and tests the budget.
 * - `free`: it does neither, because it has nowhere to test it, or
 * - where there are `longest` slots left at its start, because no run executes more. With fewer it is metered.
 */
export type Metering = { readonly kind: "metered" | "free" } | { readonly kind: "either"; readonly longest: number };

/**
 * Whether a verified program can exhaust its budget is known beforehand where all that it executes is its own: callbacks
 * run as often as a helper likes, and a tail call's target goes on with what is left.
 */
export function meteringOf(
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  facts: ProgramFacts | undefined,
): Metering {
  if (facts === undefined || program.functionLoads.size > 0) return { kind: "metered" };
  let tests = false;
  let leaves = false;
  for (const { graph } of functions) {
    forEachSlot(program, graph, (slot) => {
      const row = program.rows[slot];
      if (row?.kind === "call") {
        if (row.target === "local") tests = true;
        if (row.target === "register") leaves = true;
        if (row.target === "helper" && program.slots.imm[slot] === HELPER_TAIL_CALL) leaves = true;
      } else if (row?.kind === "may_goto") leaves = true;
      else if (row?.kind === "goto" || row?.kind === "branch") tests ||= targetOf(program, slot)! <= slot;
    });
  }
  if (leaves) return { kind: "metered" };
  if (!tests) return { kind: "free" };
  const { longestRun } = facts;
  return longestRun < LONGEST_FREE ? { kind: "either", longest: longestRun } : { kind: "metered" };
}
