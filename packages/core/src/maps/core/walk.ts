import { mapTypeId } from "../../abi/index.js";
import { ELEMENT_LIVE, element, mapHeader } from "../layout.js";
import { entryAt } from "./array.js";
import { elementAt } from "./element-pool.js";
import type { Expression } from "./expression.js";
import { perCpuValueAddress, valueAddress } from "./hash.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

/**
 * `(map, index, out) -> next index, or 0 at the end`: the first entry from `index` on, for bpf_for_each_map_elem(). Writes
 * the key's address (0 in arrays, where the key is the returned index less one) and the value's (the running CPU's) to
 * `out`. Entries may be deleted and added between two calls.
 */
export function defineWalk({ module, cpu }: CoreScope) {
  return defineProcedure(module, "walk", ["map", "index", "out"], (p) => {
    const { map, index, out } = p.params;
    const type = p.let("type", map.u32(mapHeader.TYPE));
    const is = (...names: Parameters<typeof mapTypeId>) => type.eq(mapTypeId(...names));
    p.if(is("array").or(is("percpu_array")), () => {
      p.if(index.ge(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(0));
      const shift = cpu.mul(map.u32(mapHeader.CPU_STRIDE));
      emitFound(p, out, p.let("none", 0), entryAt(map, index).add(shift));
      p.return(index.add(1));
    });
    const keyOffset = p.let("key_offset", element.KEY);
    p.if(is("lru_hash").or(is("lru_percpu_hash")), () => p.set(keyOffset, element.LRU_KEY));
    p.loop(({ leave }) => {
      p.if(index.ge(map.u32(mapHeader.USED)), leave);
      const candidate = p.let("candidate", elementAt(map, index));
      p.add(index, 1);
      p.if(candidate.u32(element.STATE).and(ELEMENT_LIVE | 0), () => {
        const value = p.let("value", valueAddress(map, candidate));
        p.if(map.u32(mapHeader.VALUE_STRIDE), () => p.set(value, perCpuValueAddress(map, candidate, cpu)));
        emitFound(p, out, candidate.add(keyOffset), value);
        p.return(index);
      });
    });
    p.return(0);
  });
}

function emitFound(p: Procedure, out: Expression, key: Expression, value: Expression): void {
  p.store32(out, 0, key);
  p.store32(out, 4, value);
}
