import type { DecodedProgram } from "../runtime/index.js";
import { findDominators, predecessors } from "./dominators.js";
import { type FlowGraph, slotAfter } from "./flow-graph.js";

/** Slots of the loops that are worth it: in longer ones an engine's own work a round counts little. */
const MAX_SLOTS = 48;
/** Slots of those that become eight rounds of one; longer ones become four. */
const TINY_SLOTS = 12;
/** Loops of a function that are unrolled, the first ones. */
const MAX_LOOPS = 64;

/** Edges of blocks that are not in their final order yet. */
interface Draft {
  readonly block: number[];
  readonly next: number[];
  readonly taken: number[];
}

/**
 * Writes the bodies of a function's small innermost loops out several times, one after the other, so that what WebAssembly
 * engines do once a round (they look whether somebody wants to interrupt them) is done less often. Blocks of the result
 * share their slots. Loops that call something stay as they are, and so do functions that can't be structured.
 */
export function unrollLoops(program: DecodedProgram, graph: FlowGraph): FlowGraph {
  const { loops, reducible } = findDominators(graph);
  if (!reducible || !loops.includes(1)) return graph;
  const draft: Draft = {
    block: Array.from({ length: graph.length }, (_, block) => block),
    next: [...graph.next],
    taken: [...graph.taken],
  };
  const ways = predecessors(graph);
  let unrolled = 0;
  for (let head = 0; head < graph.length && unrolled < MAX_LOOPS; head++) {
    if (loops[head] !== 1) continue;
    const body = bodyOf(ways, head);
    const slots = body === undefined ? 0 : slotsOf(program, graph, body);
    if (body === undefined || slots === 0 || hasInnerLoop(body, head, loops)) continue;
    appendCopies(draft, graph, { body, head, copies: slots <= TINY_SLOTS ? 8 : 4 });
    unrolled++;
  }
  return unrolled === 0 ? graph : inOrder(draft, graph);
}

/** Blocks of the loop that starts with `head`: those that lead back to it without passing it. Undefined if too many. */
function bodyOf({ first, from }: ReturnType<typeof predecessors>, head: number): Set<number> | undefined {
  const body = new Set([head]);
  const pending: number[] = [];
  const enter = (block: number, least: number) => {
    for (let way = first[block]!; way < first[block + 1]!; way++) {
      if (from[way]! >= least) pending.push(from[way]!);
    }
  };
  enter(head, head);
  for (let block = pending.pop(); block !== undefined; block = pending.pop()) {
    if (body.has(block)) continue;
    body.add(block);
    if (body.size > MAX_SLOTS) return undefined;
    enter(block, 0);
  }
  return body;
}

function hasInnerLoop(body: ReadonlySet<number>, head: number, loops: Uint8Array): boolean {
  for (const block of body) if (block !== head && loops[block] === 1) return true;
  return false;
}

/** Slots of a loop's body; 0 for one that is too long, or that calls something. */
function slotsOf(program: DecodedProgram, graph: FlowGraph, body: ReadonlySet<number>): number {
  let slots = 0;
  for (const block of body) {
    slots += graph.end[block]! - graph.start[block]!;
    if (slots > MAX_SLOTS) return 0;
    for (let slot = graph.start[block]!; slot < graph.end[block]!; slot = slotAfter(program, slot)) {
      const kind = program.rows[slot]?.kind;
      if (kind === undefined || kind === "call" || kind === "load_packet" || kind === "may_goto") return 0;
    }
  }
  return slots;
}

/** The way back of each copy goes to the next one, that of the last to the first. */
function appendCopies(
  draft: Draft,
  graph: FlowGraph,
  { body, head, copies }: { readonly body: ReadonlySet<number>; readonly head: number; readonly copies: number },
): void {
  const members = [...body];
  const placeOf = new Map(members.map((block, index) => [block, index]));
  const base = draft.block.length;
  /** Where a block's copy is; copy 0 is the block itself. */
  const at = (copy: number, block: number) =>
    copy % copies === 0 ? block : base + ((copy % copies) - 1) * members.length + placeOf.get(block)!;
  const follow = (copy: number, to: number) => {
    if (to === head) return at(copy + 1, head);
    return body.has(to) ? at(copy, to) : to;
  };
  for (let copy = 1; copy < copies; copy++) {
    for (const block of members) {
      draft.block.push(block);
      draft.next.push(follow(copy, graph.next[block]!));
      draft.taken.push(follow(copy, graph.taken[block]!));
    }
  }
  for (const block of members) {
    draft.next[block] = follow(0, graph.next[block]!);
    draft.taken[block] = follow(0, graph.taken[block]!);
  }
}

/** The draft's blocks in reverse postorder, jumps walked first. */
function inOrder({ block: source, next, taken }: Draft, graph: FlowGraph): FlowGraph {
  const postorder: number[] = [];
  const steps = new Uint8Array(source.length);
  const seen = new Uint8Array(source.length);
  const path = [0];
  seen[0] = 1;
  while (path.length > 0) {
    const at = path.at(-1)!;
    const step = steps[at]!++;
    if (step === 2) {
      postorder.push(at);
      path.pop();
      continue;
    }
    const way = step === 0 ? taken[at]! : next[at]!;
    if (way < 0 || seen[way] === 1) continue;
    seen[way] = 1;
    path.push(way);
  }
  const order = postorder.reverse();
  const number = new Int32Array(source.length);
  order.forEach((at, index) => {
    number[at] = index;
  });
  const column = (value: (at: number) => number) => Int32Array.from(order, value);
  const target = (to: number) => (to < 0 ? -1 : number[to]!);
  return {
    length: order.length,
    start: column((at) => graph.start[source[at]!]!),
    end: column((at) => graph.end[source[at]!]!),
    last: column((at) => graph.last[source[at]!]!),
    next: column((at) => target(next[at]!)),
    taken: column((at) => target(taken[at]!)),
  };
}
