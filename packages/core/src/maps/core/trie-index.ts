import { mapHeader, TRIE_BRANCH, trieIndex, trieNode } from "../layout.js";
import type { Expression, Variable } from "./expression.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { lengthOf } from "./trie-key.js";

// An index of a large trie by the first 16 bits of a key: lookups skip all nodes shorter than that, which is most of the
// way down. Small changes keep it up to date; after one that concerns many entries it is made again, once enough lookups
// have gone without it.

const INDEXED_BITS = 16;
/** Entries that a change brings up to date at once. */
const FEW_ENTRIES = 64;
/** Lookups that pay for making the index again. */
const LOOKUPS_TO_REBUILD = 512;

export interface TrieIndexProcedures {
  /** `(map)`: makes the index from the trie. */
  readonly build: Procedure<"map">;
  /** `(map, parent, slot)`: after the subtree that hangs in a slot of `parent` (0: the root) has changed. */
  readonly touch: Procedure<"map" | "parent" | "slot">;
}

export function defineTrieIndex(scope: CoreScope): TrieIndexProcedures {
  const fill = defineFill(scope);
  const build = defineProcedure(scope.module, "trie_index_build", ["map"], (p) => {
    const { map } = p.params;
    const index = p.let("index", map.u32(mapHeader.INDEX));
    p.do(p.call(fill, index, map.u32(mapHeader.TABLE), 0, trieIndex.ENTRIES, 0));
    p.store32(map, mapHeader.INDEX_WAIT, 0);
    p.return(0);
  });
  return { build, touch: defineTouch(scope, fill) };
}

/** Lets a walk begin where the index says; without a usable index, and for short keys, at the root as it was going to. */
export function emitIndexed(
  p: Procedure<"map" | "key">,
  build: Callable,
  firstBits: Expression,
  limit: Expression,
  node: Variable,
  best: Variable,
): void {
  const { map } = p.params;
  const index = p.let("index", map.u32(mapHeader.INDEX));
  p.block((unindexed) => {
    p.if(index.isZero(), unindexed);
    p.if(limit.lt(INDEXED_BITS), unindexed);
    const wait = p.let("wait", map.u32(mapHeader.INDEX_WAIT));
    p.if(wait, () => {
      p.store32(map, mapHeader.INDEX_WAIT, wait.sub(1));
      p.if(wait.ne(1), unindexed);
      p.do(p.call(build, map));
    });
    const entry = p.let("entry", index.add(firstBits.mul(trieIndex.SIZE)));
    p.set(node, entry.u32(trieIndex.NODE));
    p.set(best, entry.u32(trieIndex.BEST));
  });
}

/** The first 16 bits of a node's prefix, bits beyond its length included. */
const firstBitsOf = (node: Expression) => node.u16(trieNode.WORDS + 6);

/** `(index, from, to, node, best)` */
function defineStore({ module }: CoreScope) {
  return defineProcedure(module, "trie_index_store", ["index", "from", "to", "node", "best"], (p) => {
    const { index, from, to, node, best } = p.params;
    const pair = p.let("pair", best.wide().shl(32).or(node.wide()));
    const at = p.let("at", index.add(from.mul(trieIndex.SIZE)));
    const end = p.let("end", index.add(to.mul(trieIndex.SIZE)));
    p.loop(({ leave }) => {
      p.if(at.ge(end), leave);
      p.store64(at, 0, pair);
      p.add(at, trieIndex.SIZE);
    });
    p.return(0);
  });
}

/** `(index, node, from, to, best)`: fills the entries from `from` up to `to`, all of which lead to `node`. */
function defineFill(scope: CoreScope) {
  const store = defineStore(scope);
  return defineProcedure(scope.module, "trie_index_fill", ["index", "node", "from", "to", "best"], (p) => {
    const { index, node, from, to, best } = p.params;
    const length = p.let("length", 0);
    p.if(node, () => p.set(length, lengthOf(node)));
    p.if(node.isZero().or(length.ge(INDEXED_BITS)), () => p.return(p.call(store, index, from, to, node, best)));
    const half = p.let("half", p.let("top", 1 << (INDEXED_BITS - 1)).shr(length));
    const start = p.let("start", firstBitsOf(node).and(p.let("none", 0).sub(half.shl(1))));
    const end = p.let("end", start.add(half.shl(1)));
    p.do(p.call(store, index, from, start, 0, best));
    p.do(p.call(store, index, end, to, 0, best));
    p.if(
      node
        .u32(trieNode.LENGTH)
        .and(TRIE_BRANCH | 0)
        .isZero(),
      () => p.set(best, node),
    );
    p.do(p.call(p, index, node.u32(trieNode.CHILD), start, start.add(half), best));
    p.do(p.call(p, index, node.u32(trieNode.CHILD + 4), start.add(half), end, best));
    p.return(0);
  });
}

function defineTouch({ module }: CoreScope, fill: Callable) {
  return defineProcedure(module, "trie_index_touch", ["map", "parent", "slot"], (p) => {
    const { map, parent, slot } = p.params;
    const index = p.let("index", map.u32(mapHeader.INDEX));
    p.if(index.isZero(), () => p.return(0));
    p.if(map.u32(mapHeader.INDEX_WAIT), () => p.return(0));
    const size = p.let("size", trieIndex.ENTRIES);
    const from = p.let("from", 0);
    p.if(parent, () => {
      const length = p.let("length", lengthOf(parent));
      // Nodes that long are found from their parents, not from the index.
      p.if(length.ge(INDEXED_BITS), () => p.return(0));
      p.set(size, p.let("top", 1 << (INDEXED_BITS - 1)).shr(length));
      p.set(from, firstBitsOf(parent).and(p.let("none", 0).sub(size.shl(1))));
      p.if(slot.ne(parent.add(trieNode.CHILD)), () => p.add(from, size));
    });
    p.if(size.gt(FEW_ENTRIES), () => {
      p.store32(map, mapHeader.INDEX_WAIT, LOOKUPS_TO_REBUILD);
      p.return(0);
    });
    const best = p.let("best", parent);
    p.loop(({ leave }) => {
      p.if(best.isZero(), leave);
      p.if(
        best
          .u32(trieNode.LENGTH)
          .and(TRIE_BRANCH | 0)
          .isZero(),
        leave,
      );
      p.set(best, best.u32(trieNode.PARENT));
    });
    p.return(p.call(fill, index, slot.u32(), from, from.add(size), best));
  });
}
