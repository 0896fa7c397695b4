import { type FunctionBuilder, I32, type Label } from "../wasm/index.js";
import { type Dominators, findDominators } from "./dominators.js";
import type { FlowGraph } from "./flow-graph.js";

/** What emits a function's instructions while its control flow is laid out. Blocks are numbers of the {@link FlowGraph}. */
export interface BlockEmitter {
  /** A block's instructions without its last one where that jumps or ends the function. */
  body(block: number): void;
  /** Pushes whether the conditional jump at the block's end is taken, or not taken. */
  condition(block: number, inverted: boolean): void;
  /** Emits what going along a way costs; called only where {@link isFree} says that there is something. */
  way(from: number, to: number): void;
  /** Whether nothing is to be emitted on a way. */
  isFree(from: number, to: number): boolean;
  /** The end of a block that nothing follows: returns, or leaves the run. */
  leave(block: number): void;
}

/** Lays out a function's blocks as WebAssembly's nested control flow. Nothing falls out of the end of what it emits. */
export function emitControlFlow(f: FunctionBuilder, graph: FlowGraph, emitter: BlockEmitter): void {
  const dominators = findDominators(graph);
  if (dominators.reducible) new Structure(f, graph, dominators, emitter).emit();
  else emitDispatchLoop(f, graph, emitter);
  f.unreachable();
}

/** What is still to be laid out. */
type Task =
  | { readonly kind: "tree"; readonly block: number }
  | { readonly kind: "end" }
  | { readonly kind: "way"; readonly from: number; readonly to: number };

/**
 * Follows the dominator tree: what a block dominates is nested in it. Blocks where ways meet are placed behind a
 * WebAssembly block whose end they are, in reverse postorder; loops start at their only entry. It keeps its own stack,
 * because programs nest deeper than JavaScript recurses.
 *
 * @see Ramsey: Beyond Relooper: Recursive Translation of Unstructured Control Flow to Structured Control Flow
 */
class Structure {
  readonly #f: FunctionBuilder;
  readonly #graph: FlowGraph;
  readonly #dominators: Dominators;
  readonly #emitter: BlockEmitter;
  readonly #tasks: Task[] = [];
  /** What a branch to a block goes to: the loop that it starts for ways back, else the end that it follows. */
  readonly #loopLabels: (Label | undefined)[];
  readonly #mergeLabels: (Label | undefined)[];
  /** Merge blocks by the block that dominates them, as lists: the first, and the next of each. */
  readonly #firstMerge: Int32Array;
  readonly #nextMerge: Int32Array;

  constructor(f: FunctionBuilder, graph: FlowGraph, dominators: Dominators, emitter: BlockEmitter) {
    this.#f = f;
    this.#graph = graph;
    this.#dominators = dominators;
    this.#emitter = emitter;
    this.#loopLabels = new Array(graph.length).fill(undefined);
    this.#mergeLabels = new Array(graph.length).fill(undefined);
    this.#firstMerge = new Int32Array(graph.length).fill(-1);
    this.#nextMerge = new Int32Array(graph.length).fill(-1);
    for (let block = 1; block < graph.length; block++) {
      if (dominators.merges[block] === 0) continue;
      // The lists end up in falling order: outer ends first.
      const parent = dominators.parent[block]!;
      this.#nextMerge[block] = this.#firstMerge[parent]!;
      this.#firstMerge[parent] = block;
    }
  }

  emit(): void {
    this.#tasks.push({ kind: "tree", block: 0 });
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      if (task.kind === "way") this.#emitWay(task.from, task.to);
      else if (task.kind === "tree") this.#emitTree(task.block);
      else this.#f.end();
    }
  }

  #emitTree(block: number): void {
    const { loops } = this.#dominators;
    if (loops[block] === 1) {
      this.#loopLabels[block] = this.#f.openLoop();
      this.#tasks.push({ kind: "end" });
    }
    for (let merge = this.#firstMerge[block]!; merge >= 0; merge = this.#nextMerge[merge]!) {
      this.#mergeLabels[merge] = this.#f.openBlock();
      this.#tasks.push({ kind: "tree", block: merge }, { kind: "end" });
    }
    this.#emitter.body(block);
    this.#emitEnd(block);
  }

  #emitEnd(block: number): void {
    const next = this.#graph.next[block]!;
    const taken = this.#graph.taken[block]!;
    if (next < 0) this.#emitter.leave(block);
    else if (taken < 0) this.#goOn(block, next);
    else if (this.#isBranch(block, taken)) {
      this.#branchIf(block, taken, false);
      this.#goOn(block, next);
    } else if (this.#isBranch(block, next)) {
      this.#branchIf(block, next, true);
      this.#goOn(block, taken);
    } else {
      // The lighter tree is nested, so that nesting grows with the logarithm of the blocks only.
      const { weight } = this.#dominators;
      const inverted = weight[next]! < weight[taken]!;
      const [nested, following] = inverted ? [next, taken] : [taken, next];
      this.#emitter.condition(block, inverted);
      this.#f.openIf();
      this.#emitWay(block, nested);
      this.#tasks.push({ kind: "tree", block: following });
      this.#tasks.push({ kind: "way", from: block, to: following });
      this.#tasks.push({ kind: "end" }, { kind: "tree", block: nested });
    }
  }

  /** Whether a way goes to a label; else the target is laid out right here. */
  #isBranch(from: number, to: number): boolean {
    return to <= from || this.#dominators.merges[to] === 1;
  }

  #branchIf(from: number, to: number, inverted: boolean): void {
    this.#emitter.condition(from, inverted);
    if (this.#emitter.isFree(from, to)) {
      this.#f.brIf(this.#labelOf(from, to));
      return;
    }
    this.#f.openIf();
    this.#emitWay(from, to);
    this.#f.br(this.#labelOf(from, to)).end();
  }

  #goOn(from: number, to: number): void {
    this.#emitWay(from, to);
    if (this.#isBranch(from, to)) this.#f.br(this.#labelOf(from, to));
    else this.#tasks.push({ kind: "tree", block: to });
  }

  #emitWay(from: number, to: number): void {
    if (!this.#emitter.isFree(from, to)) this.#emitter.way(from, to);
  }

  #labelOf(from: number, to: number): Label {
    return (to <= from ? this.#loopLabels : this.#mergeLabels)[to]!;
  }
}

/** A loop over a block number: for loops with several entries, which compilers hardly make. */
function emitDispatchLoop(f: FunctionBuilder, graph: FlowGraph, emitter: BlockEmitter): void {
  const state = f.local(I32, "block");
  f.loop((top) => {
    const labels: Label[] = [];
    for (let block = graph.length - 1; block >= 0; block--) labels[block] = f.openBlock();
    f.get(state).brTable(labels.slice(0, -1), labels.at(-1)!);
    const go = (from: number, to: number) => {
      if (!emitter.isFree(from, to)) emitter.way(from, to);
      f.i32(to).set(state).br(top);
    };
    for (let block = 0; block < graph.length; block++) {
      f.end();
      emitter.body(block);
      const [next, taken] = [graph.next[block]!, graph.taken[block]!];
      if (taken >= 0) {
        emitter.condition(block, false);
        f.if(() => go(block, taken));
      }
      if (next >= 0) go(block, next);
      else emitter.leave(block);
    }
  });
}
