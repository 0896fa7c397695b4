import { element, hashSlot, lruList, lruLists, lruLocal, mapHeader } from "../layout.js";
import { emitFreshElement, markDead } from "./element-pool.js";
import { constant, type Expression, type Variable } from "./expression.js";
import type { TableProcedures } from "./hash-table.js";
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

/** Procedures on lists and sets of lists that the others are made of. */
interface ListProcedures {
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

const head = (set: Expression, kind: "FREE" | "INACTIVE" | "ACTIVE") => set.add(lruLists[kind]);
const count = (kind: Expression) => kind.sub(lruList.INACTIVE).shl(2);
const isCounted = (kind: Expression) => kind.sub(lruList.INACTIVE).le(lruList.ACTIVE - lruList.INACTIVE);
const isReferenced = (node: Expression) => node.u8(element.REFERENCED);

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

function setOf(map: Expression, cpu: Expression): Expression {
  return map.u32(mapHeader.LRU).add(cpu.mul(lruLists.SIZE));
}

function localOf(map: Expression, cpu: Expression): Expression {
  return map.u32(mapHeader.LRU_LOCAL).add(cpu.mul(lruLocal.SIZE));
}

function defineLists({ module }: CoreScope, table: TableProcedures): ListProcedures {
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

/** `(map, set)` */
function defineRotate({ module }: CoreScope, { move }: ListProcedures) {
  return defineProcedure(module, "lru_rotate", ["map", "set"], (p) => {
    const { map, set } = p.params;
    const scans = p.let("scans", map.u32(mapHeader.LRU_SCANS));
    const inactive = p.let("inactive", head(set, "INACTIVE"));
    const active = p.let("active", head(set, "ACTIVE"));
    const seen = p.let("seen", 0);
    const node = p.let("node", 0);
    const previous = p.let("previous", 0);

    p.if(set.u32(lruLists.INACTIVE_COUNT).lt(set.u32(lruLists.ACTIVE_COUNT)), () => {
      const last = p.let("last", active.u32(element.LINK));
      p.set(node, active.u32(element.PREVIOUS));
      p.loop(({ leave }) => {
        p.if(node.eq(active), leave);
        p.set(previous, node.u32(element.PREVIOUS));
        p.if(
          isReferenced(node),
          () => p.do(p.call(move, set, node, active, lruList.ACTIVE)),
          () => p.do(p.call(move, set, node, inactive, lruList.INACTIVE)),
        );
        p.add(seen, 1);
        p.if(seen.eq(scans).or(node.eq(last)), leave);
        p.set(node, previous);
      });
    });

    p.if(inactive.u32(element.LINK).eq(inactive), () => p.return(0));
    const stop = p.let("stop", set.u32(lruLists.ROTATION).u32(element.LINK));
    p.if(stop.eq(inactive), () => p.set(stop, stop.u32(element.LINK)));
    p.set(node, set.u32(lruLists.ROTATION));
    p.set(previous, node);
    p.set(seen, 0);
    p.loop(({ leave, repeat }) => {
      p.if(seen.ge(scans), leave);
      p.if(node.eq(inactive), () => {
        p.set(node, node.u32(element.PREVIOUS));
        repeat();
      });
      p.set(previous, node.u32(element.PREVIOUS));
      p.if(isReferenced(node), () => p.do(p.call(move, set, node, active, lruList.ACTIVE)));
      p.if(node.eq(stop), leave);
      p.set(node, previous);
      p.add(seen, 1);
    });
    p.store32(set, lruLists.ROTATION, previous);
    p.return(0);
  });
}

/** `(map, set, wanted, to, kind) -> elements freed`: evicts to the list `to`. */
function defineShrink({ module }: CoreScope, { move, evict }: ListProcedures) {
  return defineProcedure(module, "lru_shrink", ["map", "set", "wanted", "to", "kind"], (p) => {
    const { map, set, wanted, to, kind } = p.params;
    const inactive = p.let("inactive", head(set, "INACTIVE"));
    const scans = p.let("scans", map.u32(mapHeader.LRU_SCANS));
    const seen = p.let("seen", 0);
    const freed = p.let("freed", 0);
    const node = p.let("node", inactive.u32(element.PREVIOUS));
    p.loop(({ leave }) => {
      p.if(node.eq(inactive), leave);
      const previous = p.let("previous", node.u32(element.PREVIOUS));
      p.if(
        isReferenced(node),
        () => p.do(p.call(move, set, node, head(set, "ACTIVE"), lruList.ACTIVE)),
        () => {
          p.do(p.call(evict, map, node));
          p.do(p.call(move, set, node, to, kind));
          p.add(freed, 1);
          p.if(freed.eq(wanted), leave);
        },
      );
      p.add(seen, 1);
      p.if(seen.eq(scans), leave);
      p.set(node, previous);
    });
    p.if(freed, () => p.return(freed));

    // Everything that was scanned is in use: the last one goes all the same.
    p.set(node, inactive);
    p.if(node.u32(element.LINK).eq(node), () => p.set(node, head(set, "ACTIVE")));
    p.if(node.u32(element.LINK).eq(node), () => p.return(0));
    p.set(node, node.u32(element.PREVIOUS));
    p.do(p.call(evict, map, node));
    p.do(p.call(move, set, node, to, kind));
    p.return(1);
  });
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

/** A slot's element, for callers that found one in the table. */
export function elementIn(slot: Expression): Expression {
  return slot.u32(hashSlot.ELEMENT);
}
