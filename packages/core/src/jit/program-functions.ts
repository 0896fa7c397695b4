import { BpfError } from "../base/index.js";
import { type DecodedProgram, targetOf } from "../runtime/index.js";
import { type FlowGraph, FlowGraphBuilder, slotAfter, type TakenWays } from "./flow-graph.js";

/** How much more code than slots functions may make that share slots. */
const MAX_SHARED_CODE = 4;

/** A function of the program. */
export interface ProgramFunction {
  /** Slot of its first instruction. */
  readonly entry: number;
  readonly graph: FlowGraph;
}

/**
 * The program itself, the functions that it calls, and those whose address it takes.
 *
 * @param short as for {@link FlowGraphBuilder}
 * @throws BpfError `"TOO_LARGE"` for programs whose functions share so many slots that they would make too much code.
 */
export function findFunctions(program: DecodedProgram, ways: TakenWays | undefined, short: boolean): ProgramFunction[] {
  const builder = new FlowGraphBuilder(program, ways, short);
  const found: ProgramFunction[] = [];
  const seen = new Set([0, ...program.callbacks]);
  const pending = [...seen];
  let slots = 0;
  for (let entry = pending.shift(); entry !== undefined; entry = pending.shift()) {
    const graph = builder.build(entry);
    found.push({ entry, graph });
    forEachSlot(program, graph, (slot) => {
      slots++;
      const callee = program.rows[slot]?.kind === "call" ? targetOf(program, slot) : undefined;
      if (callee === undefined || seen.has(callee)) return;
      seen.add(callee);
      pending.push(callee);
    });
    if (slots > (program.slots.length + 1) * MAX_SHARED_CODE) {
      const message = `functions of ${program.executable.name} share too many of their slots`;
      throw new BpfError("TOO_LARGE", message, { slots });
    }
  }
  return found;
}

/** Visits a function's instructions. */
export function forEachSlot(program: DecodedProgram, graph: FlowGraph, visit: (slot: number) => void): void {
  for (let block = 0; block < graph.length; block++) {
    const end = Math.min(graph.end[block]!, program.slots.length);
    for (let slot = graph.start[block]!; slot < end; slot = slotAfter(program, slot)) visit(slot);
  }
}
