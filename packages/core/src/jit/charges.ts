import { predecessors } from "./dominators.js";
import type { FlowGraph } from "./flow-graph.js";

/**
 * What running through a function costs, spread so that straight-line code and most ways cost no instruction: a block's
 * `paid` is what was taken from the budget on a chosen way to it, without anything having been subtracted. So the slots
 * that are left in front of an instruction are the balance less `paid` less the slots before it in its block, and only
 * ways that aren't the chosen one have to adjust the balance.
 */
export interface Charges {
  readonly paid: Int32Array;
  /** False where nothing is counted at all. */
  readonly counted: boolean;
}

/** For code that doesn't count what it executes. */
export function noCharges(): Charges {
  return { paid: new Int32Array(0), counted: false };
}

export function spreadCharges(graph: FlowGraph): Charges {
  const { first, from } = predecessors(graph);
  const paid = new Int32Array(graph.length);
  for (let block = 1; block < graph.length; block++) {
    let chosen = -1;
    for (let way = first[block]!; way < first[block + 1]!; way++) {
      const candidate = from[way]!;
      if (candidate >= block) continue;
      // A conditional jump has nowhere to put an adjustment but in a block of its own.
      if (chosen === -1 || graph.taken[candidate]! >= 0) chosen = candidate;
    }
    paid[block] = paid[chosen]! + graph.end[chosen]! - graph.start[chosen]!;
  }
  return { paid, counted: true };
}

/** What the balance has to grow by on a way. */
export function chargeOfWay(graph: FlowGraph, { paid, counted }: Charges, from: number, to: number): number {
  if (!counted) return 0;
  return paid[to]! - paid[from]! - (graph.end[from]! - graph.start[from]!);
}
