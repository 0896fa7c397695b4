import { type element, hashSlot, mapHeader } from "../layout.js";
import type { Expression } from "./expression.js";
import { ifKeysDiffer, type KeyShape } from "./key.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { emitHash } from "./wyhash32.js";

// The table of the hash kinds: open addressing with linear probing over slots of (hash, element), at most half full. A
// slot's full hash keeps lookups from touching other keys' elements, so a hit costs two cache misses in a large map.
// Removal shifts later slots back instead of leaving tombstones, so lookups don't get slower with age. Elements never
// move: programs hold pointers to their values.

/** Bytes from an element's address to its key. */
export type KeyOffset = typeof element.KEY | typeof element.LRU_KEY;

/** The table's operations for elements of one layout. */
export interface TableProcedures {
  /** `(map, key) -> hash` */
  readonly hash: Procedure<"map" | "key">;
  /** `(map, key, hash) -> address of the slot, or 0` */
  readonly find: Procedure<"map" | "key" | "hash">;
  /** `(map, hash, element)`: the key must not be there yet. */
  readonly insert: Procedure<"map" | "hash" | "element">;
  /** `(map, slot)` */
  readonly remove: Procedure<"map" | "slot">;
}

/** Emits a hash of the key with the map's seed. */
export function emitMapHash(p: Procedure, shape: KeyShape, map: Expression, key: Expression, size: Expression) {
  const a = p.let("a", map.u32(mapHeader.SEED_A));
  const b = p.let("b", map.u32(mapHeader.SEED_B));
  return emitHash(p, shape, key, size, a, b);
}

/** Emits the search; `found` gets the slot and the element and must leave, the code behind runs where the key isn't there. */
export function emitSearch(
  p: Procedure,
  shape: KeyShape,
  keyOffset: KeyOffset,
  map: Expression,
  key: Expression,
  size: Expression,
  hash: Expression,
  found: (slot: Expression, element: Expression) => void,
): void {
  const mask = p.let("mask", map.u32(mapHeader.TABLE_MASK));
  const table = p.let("table", map.u32(mapHeader.TABLE));
  const offset = p.let("offset", hash.shl(3).and(mask));
  p.loop(({ leave, repeat }) => {
    const slot = p.let("slot", table.add(offset).u64());
    const candidate = p.let("candidate", slot.shr(32).low());
    p.if(candidate.isZero(), leave);
    p.set(offset, offset.add(hashSlot.SIZE).and(mask));
    p.if(slot.low().ne(hash), repeat);
    ifKeysDiffer(p, shape, candidate.add(keyOffset), key, size, repeat);
    found(table.add(offset.sub(hashSlot.SIZE).and(mask)), candidate);
  });
}

export function defineTable({ module }: CoreScope, prefix: string, keyOffset: KeyOffset): TableProcedures {
  const hash = defineProcedure(module, `${prefix}_hash`, ["map", "key"], (p) => {
    const { map, key } = p.params;
    p.return(emitMapHash(p, "any", map, key, p.let("size", map.u32(mapHeader.KEY_SIZE))));
  });
  const find = defineProcedure(module, `${prefix}_find`, ["map", "key", "hash"], (p) => {
    const { map, key } = p.params;
    const size = p.let("size", map.u32(mapHeader.KEY_SIZE));
    emitSearch(p, "any", keyOffset, map, key, size, p.params.hash, (slot) => p.return(slot));
    p.return(0);
  });
  return { hash, find, insert: defineInsert(module, prefix), remove: defineRemove(module, prefix) };
}

function defineInsert(module: CoreScope["module"], prefix: string) {
  return defineProcedure(module, `${prefix}_insert`, ["map", "hash", "element"], (p) => {
    const { map, hash, element: added } = p.params;
    const mask = p.let("mask", map.u32(mapHeader.TABLE_MASK));
    const table = p.let("table", map.u32(mapHeader.TABLE));
    const offset = p.let("offset", hash.shl(3).and(mask));
    p.loop(({ leave }) => {
      p.if(table.add(offset).u32(hashSlot.ELEMENT).isZero(), leave);
      p.set(offset, offset.add(hashSlot.SIZE).and(mask));
    });
    // Both halves at once: a reader in another thread sees an empty slot or a whole one.
    p.store64(table.add(offset), 0, added.wide().shl(32).or(hash.wide()));
    p.return(0);
  });
}

function defineRemove(module: CoreScope["module"], prefix: string) {
  return defineProcedure(module, `${prefix}_remove`, ["map", "slot"], (p) => {
    const { map, slot } = p.params;
    const mask = p.let("mask", map.u32(mapHeader.TABLE_MASK));
    const table = p.let("table", map.u32(mapHeader.TABLE));
    const hole = p.let("hole", slot.sub(table));
    const at = p.let("at", hole);
    p.loop(({ leave, repeat }) => {
      p.set(at, at.add(hashSlot.SIZE).and(mask));
      const moved = p.let("moved", table.add(at).u64());
      p.if(moved.shr(32).isZero(), leave);
      // A slot may move to the hole unless its home lies behind the hole: lookups start at the home.
      const home = moved.low().shl(3).and(mask);
      p.if(at.sub(home).and(mask).lt(at.sub(hole).and(mask)), repeat);
      p.store64(table.add(hole), 0, moved);
      p.set(hole, at);
    });
    p.store64(table.add(hole), 0, 0);
    p.return(0);
  });
}
