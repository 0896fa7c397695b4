import type { DecodedProgram } from "../runtime/index.js";
import { slotAfter } from "./flow-graph.js";
import { forEachSlot, type ProgramFunction } from "./program-functions.js";

/** What the code of a program is made of; instructions are counted once, however often their code is there. */
export interface CodeStatistics {
  /** Instructions of the program, of which a lddw is one. */
  readonly instructions: number;
  /** Slots without code, because nothing goes there. */
  readonly deadSlots: number;
  /** Loads, stores and atomics that have code. */
  readonly accesses: number;
  /** Those of them that look at where they go first: all of a program that nobody verified. */
  readonly checkedAccesses: number;
  /** Helper calls for which code stands in place, or a call of the map core: lookups in maps that are known, say. */
  readonly inlinedCalls: number;
}

/** What {@link Jit.prepare} did. */
export interface CompileStatistics extends CodeStatistics {
  /** Nanoseconds that the translation took, the engine's own included, as far as that is done at once. */
  readonly time: number;
  /** Bytes of WebAssembly. */
  readonly size: number;
  /** Whether every access is checked, because no verifier vouches for the program. */
  readonly checked: boolean;
}

const accessKinds: ReadonlySet<string | undefined> = new Set([
  ...(["load", "load_acquire", "store", "store_release", "atomic"] as const),
]);

export function codeStatistics(
  program: DecodedProgram,
  functions: readonly ProgramFunction[],
  plan: {
    readonly checked: boolean;
    /** Slots of accesses that are checked although the others aren't. */
    readonly risky: ReadonlySet<number>;
    readonly inlined: ReadonlyMap<number, unknown>;
  },
): CodeStatistics {
  const { rows, slots, executable } = program;
  const reached = new Set<number>();
  for (const { graph } of functions) forEachSlot(program, graph, (slot) => reached.add(slot));
  let [live, accesses, checkedAccesses] = [0, 0, 0];
  for (const slot of reached) {
    live += slotAfter(program, slot) - slot;
    if (!accessKinds.has(rows[slot]?.kind)) continue;
    accesses++;
    if (plan.checked || plan.risky.has(slot) || executable.guarded?.has(slot) === true) checkedAccesses++;
  }
  const instructions = rows.filter((row) => row !== undefined).length;
  return { instructions, deadSlots: slots.length - live, accesses, checkedAccesses, inlinedCalls: plan.inlined.size };
}
