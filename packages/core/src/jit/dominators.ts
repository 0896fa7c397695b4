import type { FlowGraph } from "./flow-graph.js";

/** What structured control flow is made from. Blocks are numbered in reverse postorder. */
export interface Dominators {
  /** Immediate dominator of each block; the entry is its own. */
  readonly parent: Int32Array;
  /** 1 for blocks with more than one way in that doesn't go back: they are placed behind what they follow. */
  readonly merges: Uint8Array;
  /** 1 for blocks that a way goes back to. */
  readonly loops: Uint8Array;
  /** Number of blocks that each dominates, itself included. */
  readonly weight: Int32Array;
  /** Whether every way back goes to a block that dominates where it comes from. Where not, loops have several entries. */
  readonly reducible: boolean;
}

/**
 * Dominators by iteration over reverse postorder.
 *
 * @see Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm
 */
export function findDominators(graph: FlowGraph): Dominators {
  const { length } = graph;
  const ways = predecessors(graph);
  const parent = new Int32Array(length).fill(-1);
  parent[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let block = 1; block < length; block++) {
      let dominator = -1;
      for (let way = ways.first[block]!; way < ways.first[block + 1]!; way++) {
        const from = ways.from[way]!;
        if (parent[from] === -1) continue;
        dominator = dominator === -1 ? from : meet(parent, dominator, from);
      }
      if (parent[block] !== dominator) {
        parent[block] = dominator;
        changed = true;
      }
    }
  }
  const merges = new Uint8Array(length);
  const loops = new Uint8Array(length);
  let reducible = true;
  for (let block = 0; block < length; block++) {
    let forward = 0;
    for (let way = ways.first[block]!; way < ways.first[block + 1]!; way++) {
      const from = ways.from[way]!;
      if (from < block) forward++;
      else {
        loops[block] = 1;
        if (meet(parent, block, from) !== block) reducible = false;
      }
    }
    if (forward > 1) merges[block] = 1;
  }
  const weight = new Int32Array(length).fill(1);
  for (let block = length - 1; block > 0; block--) weight[parent[block]!]! += weight[block]!;
  return { parent, merges, loops, weight, reducible };
}

/** The ways into each block: those into block n are `from[first[n]]` up to, without, `from[first[n + 1]]`. */
export interface Predecessors {
  readonly first: Int32Array;
  readonly from: Int32Array;
}

export function predecessors({ length, next, taken }: FlowGraph): Predecessors {
  const first = new Int32Array(length + 1);
  const each = (visit: (from: number, to: number) => void) => {
    for (let block = 0; block < length; block++) {
      if (next[block]! >= 0) visit(block, next[block]!);
      if (taken[block]! >= 0) visit(block, taken[block]!);
    }
  };
  each((_, to) => first[to + 1]!++);
  for (let block = 0; block < length; block++) first[block + 1]! += first[block]!;
  const from = new Int32Array(first[length]!);
  const filled = first.slice();
  each((block, to) => {
    from[filled[to]!++] = block;
  });
  return { first, from };
}

/** The nearest block that dominates both. */
function meet(parent: Int32Array, a: number, b: number): number {
  while (a !== b) {
    while (a > b) a = parent[a]!;
    while (b > a) b = parent[b]!;
  }
  return a;
}
