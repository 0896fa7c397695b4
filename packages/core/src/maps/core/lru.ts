import { element, lruList, lruLists, lruLocal, mapHeader } from "../layout.js";
import { emitFreshElement } from "./element-pool.js";
import { constant, type Expression, type Variable } from "./expression.js";
import type { TableProcedures } from "./hash-table.js";
import { defineLists, head, isReferenced, type ListProcedures, localOf, setOf } from "./lru-lists.js";
import { defineRotate, defineShrink } from "./lru-reclaim.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// Which element an LRU map gives up, as the kernel decides it (observed: the same inserts on one CPU leave the same
// survivors).
//
// A set of lists holds free, inactive and active elements. Elements enter at the front; scans go from the back. A lookup
// by a program marks an element as referenced. Before elements are taken, the set is *rotated*: when fewer are inactive
// than active, the back of the active list is scanned, and referenced elements go to its front, others to the inactive
// list; then the inactive list is walked on from where the last walk ended, and referenced elements become active. When
// none is free, the back of the inactive list is scanned: referenced elements become active, others are evicted; if that
// frees nothing, the very last element goes, referenced or not. Whenever an element moves, its mark is cleared.
//
// With BPF_F_NO_COMMON_LRU each CPU has such a set with its share of the elements. Otherwise one set is common, and each
// CPU takes LRU_TARGET elements at once to a local free list. What it hands out waits in a pending list of its own until
// the next time that it takes from the set; only then do its elements become inactive, or active if referenced.

export interface LruProcedures {
  /** `(map) -> element that is in no table, or 0` */
  readonly take: Procedure<"map">;
  /** `(map, element)`: of an element that has left the table. */
  readonly give: Procedure<"map" | "element">;
}

export function defineLru(scope: CoreScope, table: TableProcedures): LruProcedures {
  const lists = defineLists(scope, table);
  const rotate = defineRotate(scope, lists);
  const shrink = defineShrink(scope, lists);
  const takeOwn = defineTakeOwn(scope, lists, rotate, shrink);
  const takeCommon = defineTakeCommon(scope, lists, rotate, shrink);
  const take = defineProcedure(scope.module, "lru_take", ["map"], (p) => {
    const { map } = p.params;
    p.if(map.u32(mapHeader.LRU_LOCAL), () => p.return(p.call(takeCommon, map)));
    p.return(p.call(takeOwn, map));
  });
  return { take, give: defineGive(scope, lists) };
}

/** An element that was never used, as if it were last in the set's free list; `made` stays 0 without one. */
function takeFresh(p: Procedure, map: Expression, set: Expression, made: Variable): void {
  const index = p.let("index", set.u32(lruLists.FRESH));
  p.if(index.lt(set.u32(lruLists.FRESH_END)), () => {
    p.store32(set, lruLists.FRESH, index.add(1));
    p.if(index.ge(map.u32(mapHeader.USED)), () => p.store32(map, mapHeader.USED, index.add(1)));
    p.set(made, emitFreshElement(p, map, index));
  });
}

/** `(map) -> element`, with BPF_F_NO_COMMON_LRU. */
function defineTakeOwn({ module, cpu }: CoreScope, lists: ListProcedures, rotate: Callable, shrink: Callable) {
  return defineProcedure(module, "lru_take_own", ["map"], (p) => {
    const { map } = p.params;
    const set = p.let("set", setOf(map, cpu));
    const free = p.let("free", head(set, "FREE"));
    const node = p.let("node", 0);
    p.do(p.call(rotate, map, set));
    p.if(free.u32(element.LINK).eq(free), () => takeFresh(p, map, set, node));
    p.if(node, () => {
      p.do(p.call(lists.link, node, head(set, "INACTIVE"), lruList.INACTIVE));
      p.add32(set, lruLists.INACTIVE_COUNT, 1);
      p.store16(node, element.CPU, cpu);
      p.return(node);
    });
    p.if(free.u32(element.LINK).eq(free), () => {
      p.do(p.call(shrink, map, set, map.u32(mapHeader.LRU_TARGET), free, lruList.FREE));
    });
    p.set(node, free.u32(element.LINK));
    p.if(node.eq(free), () => p.return(0));
    p.do(p.call(lists.move, set, node, head(set, "INACTIVE"), lruList.INACTIVE));
    p.return(node);
  });
}

/** `(map, local)`: takes LRU_TARGET elements to a local free list. */
function defineRefill({ module }: CoreScope, lists: ListProcedures, rotate: Callable, shrink: Callable) {
  return defineProcedure(module, "lru_refill", ["map", "local"], (p) => {
    const { map, local } = p.params;
    const set = p.let("set", map.u32(mapHeader.LRU));
    const pending = p.let("pending", local.add(lruLocal.PENDING));
    const node = p.let("node", 0);
    p.loop(({ leave }) => {
      p.set(node, pending.u32(element.PREVIOUS));
      p.if(node.eq(pending), leave);
      p.do(p.call(lists.enter, set, node, constant(lruList.INACTIVE).add(isReferenced(node))));
    });
    p.do(p.call(rotate, map, set));

    const target = p.let("target", map.u32(mapHeader.LRU_TARGET));
    const taken = p.let("taken", 0);
    const free = p.let("free", head(set, "FREE"));
    p.loop(({ leave }) => {
      p.if(taken.eq(target), leave);
      p.set(node, free.u32(element.LINK));
      p.if(
        node.eq(free),
        () => {
          p.set(node, 0);
          takeFresh(p, map, set, node);
          p.if(node.isZero(), leave);
        },
        () => p.do(p.call(lists.unlink, node)),
      );
      p.do(p.call(lists.link, node, local.add(lruLocal.FREE), lruList.LOCAL_FREE));
      p.add(taken, 1);
    });
    p.if(taken.lt(target), () => {
      p.do(p.call(shrink, map, set, target.sub(taken), local.add(lruLocal.FREE), lruList.LOCAL_FREE));
    });
    p.return(0);
  });
}

/** `(map, local) -> element, or 0`: evicts the oldest that a CPU has pending, unreferenced ones first. */
function defineTakePending({ module }: CoreScope, lists: ListProcedures) {
  return defineProcedure(module, "lru_take_pending", ["map", "local"], (p) => {
    const { map, local } = p.params;
    const pending = p.let("pending", local.add(lruLocal.PENDING));
    const node = p.let("node", pending.u32(element.PREVIOUS));
    p.if(node.eq(pending), () => p.return(0));
    p.loop(({ leave }) => {
      p.if(node.eq(pending), leave);
      p.if(isReferenced(node).isZero(), leave);
      p.set(node, node.u32(element.PREVIOUS));
    });
    p.if(node.eq(pending), () => p.set(node, pending.u32(element.PREVIOUS)));
    p.do(p.call(lists.evict, map, node));
    p.do(p.call(lists.unlink, node));
    p.return(node);
  });
}

/** `(map) -> element` of a common LRU. */
function defineTakeCommon(scope: CoreScope, lists: ListProcedures, rotate: Callable, shrink: Callable) {
  const refill = defineRefill(scope, lists, rotate, shrink);
  const takePending = defineTakePending(scope, lists);
  return defineProcedure(scope.module, "lru_take_common", ["map"], (p) => {
    const { map } = p.params;
    const local = p.let("local", localOf(map, scope.cpu));
    const node = p.let("node", 0);
    const takeLocalFree = (from: Expression) => {
      p.set(node, from.u32(element.LINK));
      p.if(
        node.eq(from),
        () => p.set(node, 0),
        () => p.do(p.call(lists.unlink, node)),
      );
    };
    const handOut = () => {
      p.do(p.call(lists.link, node, local.add(lruLocal.PENDING), lruList.PENDING));
      p.store16(node, element.CPU, scope.cpu);
      p.return(node);
    };
    takeLocalFree(local);
    p.if(node.isZero(), () => {
      p.do(p.call(refill, map, local));
      takeLocalFree(local);
    });
    p.if(node, handOut);

    // Nothing anywhere in the set: other CPUs hold all elements in their local lists.
    const victim = p.let("victim", local.u32(lruLocal.STEAL));
    const tried = p.let("tried", 0);
    p.loop(({ leave }) => {
      p.if(tried.eq(map.u32(mapHeader.CPUS)), leave);
      const other = p.let("other", localOf(map, victim));
      takeLocalFree(other);
      p.if(node.isZero(), () => p.set(node, p.call(takePending, map, other)));
      p.add(victim, 1);
      p.if(victim.eq(map.u32(mapHeader.CPUS)), () => p.set(victim, 0));
      p.add(tried, 1);
      p.if(node, leave);
    });
    p.store32(local, lruLocal.STEAL, victim);
    p.if(node, handOut);
    p.return(0);
  });
}

function defineGive({ module }: CoreScope, lists: ListProcedures) {
  return defineProcedure(module, "lru_give", ["map", "element"], (p) => {
    const { map, element: node } = p.params;
    const cpu = p.let("cpu", node.u16(element.CPU));
    p.if(node.u8(element.LIST).eq(lruList.PENDING), () => {
      p.do(p.call(lists.unlink, node));
      p.do(p.call(lists.link, node, localOf(map, cpu), lruList.LOCAL_FREE));
      p.return(0);
    });
    p.if(map.u32(mapHeader.LRU_LOCAL), () => p.set(cpu, 0));
    const set = p.let("set", setOf(map, cpu));
    p.do(p.call(lists.move, set, node, head(set, "FREE"), lruList.FREE));
    p.return(0);
  });
}
