import type { Analysis } from "./analysis.js";
import { successors } from "./successors.js";

/**
 * Numbers the loops of every function: strongly connected components of its control-flow graph with more than one
 * instruction or an edge to itself. A call that runs a callback again and again is none. R. Tarjan's algorithm in the form of
 * D. J. Pearce, "A Space-Efficient Algorithm for Finding Strongly Connected Components", without recursion.
 */
export function findLoops(analysis: Analysis): void {
  const { insns, loopOf } = analysis;
  const walk = {
    order: new Int32Array(insns.length),
    low: new Int32Array(insns.length),
    component: [] as number[],
    nextOrder: 1,
    nextLoop: 1,
  };
  const next = new Int32Array(2);
  const path: number[] = [];
  for (let root = 0; root < insns.length; root++) {
    if (walk.order[root] !== 0) continue;
    path.push(root);
    while (path.length > 0) {
      const slot = path[path.length - 1]!;
      if (walk.order[slot] === 0) {
        walk.order[slot] = walk.nextOrder;
        walk.low[slot] = walk.nextOrder++;
        walk.component.push(slot);
      }
      const count = successorsWithin(analysis, slot, next);
      let deeper = false;
      for (let i = 0; i < count && !deeper; i++) {
        const target = next[i]!;
        if (walk.order[target] === 0) {
          path.push(target);
          deeper = true;
        } else if (walk.low[target]! < walk.low[slot]!) walk.low[slot] = walk.low[target]!;
      }
      if (deeper) continue;
      path.pop();
      if (walk.low[slot]! < walk.order[slot]!) continue;
      const loops = walk.component[walk.component.length - 1] !== slot || next.subarray(0, count).includes(slot);
      for (let member = -1; member !== slot; ) {
        member = walk.component.pop()!;
        walk.low[member] = 0x7fffffff;
        if (loops) loopOf[member] = walk.nextLoop;
      }
      if (loops) walk.nextLoop++;
    }
  }
}

function successorsWithin(analysis: Analysis, slot: number, next: Int32Array): number {
  const count = successors(analysis.insns, slot, next, analysis.subprogramOf(slot).exitSlot);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    if (next[i]! < analysis.insns.length) next[kept++] = next[i]!;
  }
  return kept;
}
