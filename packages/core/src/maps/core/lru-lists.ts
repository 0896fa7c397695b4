import { element, lruList, lruLists, lruLocal, mapHeader } from "../layout.js";
import { markDead } from "./element-pool.js";
import type { Expression } from "./expression.js";
import type { TableProcedures } from "./hash-table.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// The lists of LRU maps: rings through a head, linked in the elements themselves. How they are used is in lru.ts.

/** Procedures on lists and sets of lists that the others are made of. */
export interface ListProcedures {
  /** `(element)`: out of its list. */
  readonly unlink: Procedure<"element">;
  /** `(element, head, kind)`: to the front of a list, with its mark cleared. */
  readonly link: Procedure<"element" | "head" | "kind">;
  /** `(set, element, head, kind)`: from a list of a set to any list. */
  readonly move: Procedure<"set" | "element" | "head" | "kind">;
  /** `(set, element, kind)`: from a local list into a set. */
  readonly enter: Procedure<"set" | "element" | "kind">;
  /** `(map, element)`: out of the table. */
  readonly evict: Procedure<"map" | "element">;
}

export const head = (set: Expression, kind: "FREE" | "INACTIVE" | "ACTIVE") => set.add(lruLists[kind]);
const count = (kind: Expression) => kind.sub(lruList.INACTIVE).shl(2);
const isCounted = (kind: Expression) => kind.sub(lruList.INACTIVE).le(lruList.ACTIVE - lruList.INACTIVE);
export const isReferenced = (node: Expression) => node.u8(element.REFERENCED);

export function setOf(map: Expression, cpu: Expression): Expression {
  return map.u32(mapHeader.LRU).add(cpu.mul(lruLists.SIZE));
}

export function localOf(map: Expression, cpu: Expression): Expression {
  return map.u32(mapHeader.LRU_LOCAL).add(cpu.mul(lruLocal.SIZE));
}

export function defineLists({ module }: CoreScope, table: TableProcedures): ListProcedures {
  const unlink = defineProcedure(module, "lru_unlink", ["element"], (p) => {
    const node = p.params.element;
    p.store32(node.u32(element.PREVIOUS), element.LINK, node.u32(element.LINK));
    p.store32(node.u32(element.LINK), element.PREVIOUS, node.u32(element.PREVIOUS));
    p.return(0);
  });
  const link = defineProcedure(module, "lru_link", ["element", "head", "kind"], (p) => {
    const { element: node, head, kind } = p.params;
    const first = p.let("first", head.u32(element.LINK));
    p.store32(node, element.LINK, first);
    p.store32(node, element.PREVIOUS, head);
    p.store32(first, element.PREVIOUS, node);
    p.store32(head, element.LINK, node);
    p.store8(node, element.LIST, kind);
    p.store8(node, element.REFERENCED, 0);
    p.return(0);
  });
  const enter = defineProcedure(module, "lru_enter", ["set", "element", "kind"], (p) => {
    const { set, element: node, kind } = p.params;
    p.do(p.call(unlink, node));
    p.do(p.call(link, node, set.add(kind.shl(4)), kind));
    p.add32(set.add(count(kind)), lruLists.INACTIVE_COUNT, 1);
    p.return(0);
  });
  return { unlink, link, enter, move: defineMove(module, unlink, link), evict: defineEvict(module, table) };
}

function defineMove(module: CoreScope["module"], unlink: Callable, link: Callable) {
  return defineProcedure(module, "lru_move", ["set", "element", "head", "kind"], (p) => {
    const { set, element: node, head, kind } = p.params;
    const from = p.let("from", node.u8(element.LIST));
    p.if(isCounted(from), () => p.add32(set.add(count(from)), lruLists.INACTIVE_COUNT, -1));
    p.if(isCounted(kind), () => p.add32(set.add(count(kind)), lruLists.INACTIVE_COUNT, 1));
    // The walk goes on before the element that leaves.
    p.if(set.u32(lruLists.ROTATION).eq(node), () => p.store32(set, lruLists.ROTATION, node.u32(element.PREVIOUS)));
    p.do(p.call(unlink, node));
    p.do(p.call(link, node, head, kind));
    p.return(0);
  });
}

function defineEvict(module: CoreScope["module"], table: TableProcedures) {
  return defineProcedure(module, "lru_evict", ["map", "element"], (p) => {
    const { map, element: node } = p.params;
    const key = node.add(element.LRU_KEY);
    const slot = p.let("slot", p.call(table.find, map, key, p.call(table.hash, map, key)));
    p.do(p.call(table.remove, map, slot));
    markDead(p, node);
    p.add32(map, mapHeader.COUNT, -1);
    p.return(0);
  });
}
