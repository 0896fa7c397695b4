import { BPF_EXIST, BPF_NOEXIST, EEXIST, ENOENT, ENOMEM } from "../../abi/index.js";
import { element, hashSlot, mapHeader } from "../layout.js";
import { markDead, markLive } from "./element-pool.js";
import { emitPerCpuStart, perCpuValueAddress, valueAddress } from "./hash.js";
import type { TableProcedures } from "./hash-table.js";
import { copyBytes } from "./key.js";
import type { LruProcedures } from "./lru.js";
import { defineProcedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { checkPlainFlags, type ValueProcedures } from "./value.js";

/** What the LRU maps need of each other. */
export interface LruParts {
  readonly table: TableProcedures;
  readonly lru: LruProcedures;
  readonly values: ValueProcedures;
}

/**
 * LRU hash: an element is taken before the key is looked for, so that even an update that ends in an error, or that
 * replaces a key, can evict another one.
 */
export function defineLruUpdate({ module }: CoreScope, { table, lru, values }: LruParts) {
  return defineProcedure(module, "lru_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    checkPlainFlags(p, flags);
    const hash = p.let("hash", p.call(table.hash, map, key));
    const made = p.let("made", p.call(lru.take, map));
    p.if(made.isZero(), () => p.return(-ENOMEM));
    copyBytes(p, made.add(element.LRU_KEY), key, map.u32(mapHeader.KEY_SIZE));
    p.do(p.call(values.start, map, valueAddress(map, made), value));

    const slot = p.let("slot", p.call(table.find, map, key, hash));
    const error = p.let("error", 0);
    p.if(
      slot,
      () => p.if(flags.eq(BPF_NOEXIST), () => p.set(error, -EEXIST)),
      () => p.if(flags.eq(BPF_EXIST), () => p.set(error, -ENOENT)),
    );
    p.if(error, () => {
      p.do(p.call(lru.give, map, made));
      p.return(error);
    });
    markLive(p, made);
    p.if(slot, () => {
      const old = p.let("old", slot.u32(hashSlot.ELEMENT));
      p.store8(made, element.REFERENCED, 1);
      p.store32(slot, hashSlot.ELEMENT, made);
      markDead(p, old);
      p.do(p.call(lru.give, map, old));
      p.return(0);
    });
    p.do(p.call(table.insert, map, hash, made));
    p.add32(map, mapHeader.COUNT, 1);
    p.return(0);
  });
}

/** LRU per-CPU hash: values of keys that are there are written in place, yet an element is taken first here, too. */
export function defineLruPerCpuUpdate(scope: CoreScope, { table, lru, values }: LruParts) {
  return defineProcedure(scope.module, "lru_percpu_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    checkPlainFlags(p, flags);
    const hash = p.let("hash", p.call(table.hash, map, key));
    const made = p.let("made", 0);
    p.if(flags.ne(BPF_EXIST), () => {
      p.set(made, p.call(lru.take, map));
      p.if(made.isZero(), () => p.return(-ENOMEM));
    });
    const slot = p.let("slot", p.call(table.find, map, key, hash));
    const error = p.let("error", 0);
    p.block((settle) => {
      p.if(slot, () => {
        p.if(flags.eq(BPF_NOEXIST), () => {
          p.set(error, -EEXIST);
          settle();
        });
        const found = p.let("found", slot.u32(hashSlot.ELEMENT));
        p.store8(found, element.REFERENCED, 1);
        p.do(p.call(values.copy, map, perCpuValueAddress(map, found, scope.cpu), value));
        settle();
      });
      p.if(made.isZero(), () => p.return(-ENOENT));
      copyBytes(p, made.add(element.LRU_KEY), key, map.u32(mapHeader.KEY_SIZE));
      emitPerCpuStart(p, scope, values.copy, map, made, value);
      markLive(p, made);
      p.do(p.call(table.insert, map, hash, made));
      p.add32(map, mapHeader.COUNT, 1);
      p.return(0);
    });
    p.if(made, () => p.do(p.call(lru.give, map, made)));
    p.return(error);
  });
}
