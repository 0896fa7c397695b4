import { ELEMENT_LIVE, element, mapHeader } from "../layout.js";
import { constant, type Expression } from "./expression.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// Elements come from chunks of 2^CHUNK_SHIFT; preallocated maps have one chunk. Given back elements are used again first,
// so that untouched memory stays untouched. Indexes in the pool are the order in which keys are walked.

/** Address of the element with this pool index. */
export function elementAt(map: Expression, index: Expression): Expression {
  const shift = map.u32(mapHeader.CHUNK_SHIFT);
  const chunk = map.u32(mapHeader.CHUNKS).add(index.shr(shift).shl(3)).u32();
  return chunk.add(withinChunk(map, index).mul(map.u32(mapHeader.STRIDE)));
}

/** Address of CPU 0's value of the element with this pool index. */
export function perCpuValueAt(map: Expression, index: Expression): Expression {
  const shift = map.u32(mapHeader.CHUNK_SHIFT);
  const chunk = map.u32(mapHeader.CHUNKS).add(index.shr(shift).shl(3)).u32(4);
  return chunk.add(withinChunk(map, index).mul(map.u32(mapHeader.VALUE_STRIDE)));
}

function withinChunk(map: Expression, index: Expression): Expression {
  return index.and(constant(1).shl(map.u32(mapHeader.CHUNK_SHIFT)).sub(1));
}

/** Writes what an element carries for its whole life: its index and, in per-CPU maps, where its values are. */
export function emitFreshElement(p: Procedure, map: Expression, index: Expression): Expression {
  const fresh = p.let("fresh", elementAt(map, index));
  p.store32(fresh, element.STATE, index);
  p.if(map.u32(mapHeader.VALUE_STRIDE), () => {
    p.store32(fresh.add(map.u32(mapHeader.VALUE_OFFSET)), 0, perCpuValueAt(map, index));
  });
  return fresh;
}

export interface PoolProcedures {
  /** `(map) -> element, or 0 without memory` */
  readonly take: Procedure<"map">;
  /** `(map, element)` */
  readonly give: Procedure<"map" | "element">;
}

export function definePool({ module, grow }: CoreScope): PoolProcedures {
  const take = defineProcedure(module, "pool_take", ["map"], (p) => {
    const { map } = p.params;
    const free = p.let("free", map.u32(mapHeader.FREE));
    p.if(free, () => {
      p.store32(map, mapHeader.FREE, free.u32(element.LINK));
      p.return(free);
    });
    const index = p.let("index", map.u32(mapHeader.USED));
    p.if(index.ge(map.u32(mapHeader.CAPACITY)), () => {
      p.if(p.call(grow, map), () => p.return(0));
    });
    p.store32(map, mapHeader.USED, index.add(1));
    p.return(emitFreshElement(p, map, index));
  });
  const give = defineProcedure(module, "pool_give", ["map", "element"], (p) => {
    const { map, element: given } = p.params;
    p.store32(given, element.LINK, map.u32(mapHeader.FREE));
    p.store32(map, mapHeader.FREE, given);
    p.return(0);
  });
  return { take, give };
}

export function markLive(p: Procedure, target: Expression): void {
  p.store32(target, element.STATE, target.u32(element.STATE).or(ELEMENT_LIVE | 0));
}

export function markDead(p: Procedure, target: Expression): void {
  p.store32(target, element.STATE, target.u32(element.STATE).and(~ELEMENT_LIVE));
}
