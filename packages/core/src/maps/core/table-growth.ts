import { hashSlot, mapHeader } from "../layout.js";
import { type Callable, defineProcedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

/** `(map, table, mask)`: moves a hash's slots to a larger, empty table. The old one is the caller's to free. */
export function defineTableMove({ module }: CoreScope, insert: Callable) {
  return defineProcedure(module, "move_table", ["map", "table", "mask"], (p) => {
    const { map, table, mask } = p.params;
    const at = p.let("at", map.u32(mapHeader.TABLE));
    const end = p.let("end", at.add(map.u32(mapHeader.TABLE_MASK)).add(hashSlot.SIZE));
    p.store32(map, mapHeader.TABLE, table);
    p.store32(map, mapHeader.TABLE_MASK, mask);
    p.loop(({ leave }) => {
      p.if(at.ge(end), leave);
      const found = p.let("found", at.u32(hashSlot.ELEMENT));
      p.if(found, () => p.do(p.call(insert, map, at.u32(hashSlot.HASH), found)));
      p.add(at, hashSlot.SIZE);
    });
    p.return(0);
  });
}
