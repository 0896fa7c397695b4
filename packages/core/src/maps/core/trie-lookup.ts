import { mapHeader, TRIE_BRANCH, trieNode } from "../layout.js";
import { type Expression, select, type Variable } from "./expression.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import { emitIndexed, type TrieIndexProcedures } from "./trie-index.js";
import {
  bitOf,
  childSlot,
  largestPrefix,
  lengthOf,
  swapBytes32,
  swapBytes64,
  type TrieKeyProcedures,
  wordsOf,
} from "./trie-key.js";

// Lookup in a path-compressed binary trie. IPv4 and IPv6 keys stay in locals.

/**
 * Emits the walk down. `shared` gives how many leading bits the key has in common with a node (more than the node's
 * length is fine), `bit` a bit of the key.
 */
function emitWalk(
  p: Procedure<"map" | "key">,
  shared: (node: Variable, length: Variable) => Expression,
  bit: (index: Expression) => Expression,
  start?: (limit: Variable, node: Variable, best: Variable) => void,
): void {
  const { map, key } = p.params;
  const limit = p.let("limit", key.u32());
  const largest = p.let("largest", largestPrefix(map));
  p.if(limit.gt(largest), () => p.return(0));
  const best = p.let("best", 0);
  const node = p.let("node", map.u32(mapHeader.TABLE));
  start?.(limit, node, best);
  p.loop(({ leave }) => {
    p.if(node.isZero(), leave);
    const flagged = p.let("flagged", node.u32(trieNode.LENGTH));
    const length = p.let("length", flagged.and(~TRIE_BRANCH));
    p.if(length.gt(limit), leave);
    p.if(shared(node, length).lt(length), leave);
    p.set(best, select(flagged.and(TRIE_BRANCH | 0), best, node));
    p.if(length.eq(largest), leave);
    p.set(node, childSlot(node, bit(length)).u32());
  });
  p.if(best.isZero(), () => p.return(0));
  p.return(best.add(map.u32(mapHeader.VALUE_OFFSET)));
}

export function defineTrieLookups({ module }: CoreScope, keys: TrieKeyProcedures, index: TrieIndexProcedures) {
  const lookup4 = defineProcedure(module, "trie_lookup_4", ["map", "key"], (p) => {
    const address = p.let("address", swapBytes32(p, p.params.key.u32(4)));
    emitWalk(
      p,
      (node) => address.xor(node.u32(trieNode.WORDS + 4)).leadingZeros(),
      (at) => address.shl(at).shr(31),
      (limit, node, best) => emitIndexed(p, index.build, address.shr(16), limit, node, best),
    );
  });
  const lookup16 = defineProcedure(module, "trie_lookup_16", ["map", "key"], (p) => {
    const high = p.let("high", swapBytes64(p, p.params.key.u64(4)));
    const low = p.let("low", swapBytes64(p, p.params.key.u64(12)));
    emitWalk(
      p,
      (node) => {
        const equal = p.let("equal", high.xor(node.u64(trieNode.WORDS)).leadingZeros());
        p.if(equal.eq(64), () => p.add(equal, low.xor(node.u64(trieNode.WORDS + 8)).leadingZeros()));
        return equal.low();
      },
      (at) => select(at.lt(64), high, low).shl(at.wide()).shr(63).low(),
      (limit, node, best) => emitIndexed(p, index.build, high.shr(48).low(), limit, node, best),
    );
  });
  const lookupAny = defineProcedure(module, "trie_lookup_any", ["map", "key"], (p) => {
    const { map, key } = p.params;
    p.if(key.u32().gt(largestPrefix(map)), () => p.return(0));
    const words = p.let("words", p.call(keys.words, map, key));
    emitWalk(
      p,
      (node, length) => p.call(keys.common, words, wordsOf(node), length),
      (at) => bitOf(words, at),
    );
  });
  const choose = defineProcedure(module, "trie_lookup", ["map", "key"], (p) => {
    const { map, key } = p.params;
    const size = p.let("size", map.u32(mapHeader.KEY_SIZE));
    p.if(size.eq(8), () => p.return(p.call(lookup4, map, key)));
    p.if(size.eq(20), () => p.return(p.call(lookup16, map, key)));
    p.return(p.call(lookupAny, map, key));
  });
  return { lookup4, lookup16, lookupAny, choose };
}

/** `(map, key) -> node that holds exactly this prefix, or 0`; the key's words must be in `words`. */
export function defineTrieFind({ module }: CoreScope, keys: TrieKeyProcedures) {
  return defineProcedure(module, "trie_find", ["map", "words", "length"], (p) => {
    const { map, words, length } = p.params;
    const node = p.let("node", map.u32(mapHeader.TABLE));
    p.loop(({ leave }) => {
      p.if(node.isZero(), leave);
      const own = p.let("own", lengthOf(node));
      p.if(own.gt(length), leave);
      p.if(p.call(keys.common, words, wordsOf(node), own).lt(own), leave);
      p.if(own.eq(length), () => {
        p.if(node.u32(trieNode.LENGTH).and(TRIE_BRANCH | 0), leave);
        p.return(node);
      });
      p.set(node, childSlot(node, bitOf(words, own)).u32());
    });
    p.return(0);
  });
}
