import { element, lruList, lruLists, mapHeader } from "../layout.js";
import { head, isReferenced, type ListProcedures } from "./lru-lists.js";
import { defineProcedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

/** `(map, set)`: ages a set before elements are taken from it. */
export function defineRotate({ module }: CoreScope, { move }: ListProcedures) {
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
export function defineShrink({ module }: CoreScope, { move, evict }: ListProcedures) {
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
