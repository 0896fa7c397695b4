import { BPF_EXIST, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC } from "../../abi/index.js";
import { mapHeader, retiredNode, TRIE_BRANCH, trieNode } from "../layout.js";
import type { Expression, Variable } from "./expression.js";
import { type Callable, defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";
import type { TrieIndexProcedures } from "./trie-index.js";
import { bitOf, childSlot, largestPrefix, lengthOf, swapBytes64, type TrieKeyProcedures, wordsOf } from "./trie-key.js";
import { checkPlainFlags, type ValueProcedures } from "./value.js";

// Updates of the path-compressed binary trie. A node is replaced, never rewritten, and its memory isn't used again within
// the run, so that programs keep seeing what they looked up.

interface TrieParts {
  readonly keys: TrieKeyProcedures;
  readonly values: ValueProcedures;
  readonly take: Callable;
  readonly retire: Callable;
  readonly index: TrieIndexProcedures;
}

export function defineTrie(
  scope: CoreScope,
  keys: TrieKeyProcedures,
  find: Callable,
  values: ValueProcedures,
  index: TrieIndexProcedures,
) {
  const parts = { keys, values, index, take: defineTake(scope), retire: defineRetire(scope) };
  return {
    update: defineUpdate(scope, parts),
    remove: defineDelete(scope, parts, find),
    nextKey: defineNextKey(scope, keys, find),
  };
}

/** `(map) -> node with no children, or 0` */
function defineTake({ module, grow }: CoreScope) {
  return defineProcedure(module, "trie_take", ["map"], (p) => {
    const { map } = p.params;
    const node = p.let("node", map.u32(mapHeader.RETIRED));
    p.block((fresh) => {
      p.if(node.isZero(), fresh);
      p.if(node.u32(retiredNode.RUN).eq(map.u32(mapHeader.RUN).u32()), fresh);
      p.store32(map, mapHeader.RETIRED, node.u32(retiredNode.LINK));
      p.store64(node, trieNode.CHILD, 0);
      p.return(node);
    });
    const used = p.let("used", map.u32(mapHeader.USED));
    p.if(used.eq(map.u32(mapHeader.CAPACITY)), () => {
      p.if(p.call(grow, map), () => p.return(0));
      p.set(used, map.u32(mapHeader.USED));
    });
    p.store32(map, mapHeader.USED, used.add(1));
    // FREE is where the untouched rest of the newest chunk starts.
    p.set(node, map.u32(mapHeader.FREE));
    p.store32(map, mapHeader.FREE, node.add(map.u32(mapHeader.STRIDE)));
    p.return(node);
  });
}

/** `(map, node)` */
function defineRetire({ module }: CoreScope) {
  return defineProcedure(module, "trie_retire", ["map", "node"], (p) => {
    const { map, node } = p.params;
    p.store32(node, retiredNode.LINK, 0);
    p.store32(node, retiredNode.RUN, map.u32(mapHeader.RUN).u32());
    p.if(
      map.u32(mapHeader.RETIRED),
      () => p.store32(map.u32(mapHeader.RETIRED_LAST), retiredNode.LINK, node),
      () => p.store32(map, mapHeader.RETIRED, node),
    );
    p.store32(map, mapHeader.RETIRED_LAST, node);
    p.return(0);
  });
}

/** Stores where a node hangs: in its parent's slot, or as the root. */
function hang(p: Procedure, slot: Expression, parent: Expression, node: Expression): void {
  p.store32(slot, 0, node);
  p.store32(node, trieNode.PARENT, parent);
}

function defineUpdate({ module }: CoreScope, { keys, values, take, retire, index }: TrieParts) {
  return defineProcedure(module, "trie_update", ["map", "key", "value", "flags"], (p) => {
    const { map, key, value, flags } = p.params;
    checkPlainFlags(p, flags);
    const length = p.let("length", key.u32());
    p.if(length.gt(largestPrefix(map)), () => p.return(-EINVAL));
    const words = p.let("words", p.call(keys.words, map, key));

    const slot = p.let("slot", map.add(mapHeader.TABLE));
    const parent = p.let("parent", 0);
    const node = p.let("node", slot.u32());
    const own = p.let("own", 0);
    const common = p.let("common", 0);
    p.loop(({ leave }) => {
      p.if(node.isZero(), leave);
      p.set(own, lengthOf(node));
      p.set(common, p.call(keys.common, words, wordsOf(node), own));
      p.if(common.gt(length), () => p.set(common, length));
      p.if(common.ne(own).or(own.eq(length)), leave);
      p.set(parent, node);
      p.set(slot, childSlot(node, bitOf(words, own)));
      p.set(node, slot.u32());
    });

    // The node is the prefix's own, or a branch where it would be, or hangs below where it has to go, or there is none.
    const same = p.let("same", node.ne(0).and(common.eq(own)).and(own.eq(length)));
    const branch = p.let("branch", 0);
    p.if(same, () => p.set(branch, node.u32(trieNode.LENGTH).and(TRIE_BRANCH | 0)));
    p.if(
      same.and(branch.isZero()),
      () => p.if(flags.eq(BPF_NOEXIST), () => p.return(-EEXIST)),
      () => {
        p.if(flags.eq(BPF_EXIST), () => p.return(-ENOENT));
        p.if(map.u32(mapHeader.COUNT).eq(map.u32(mapHeader.MAX_ENTRIES)), () => p.return(-ENOSPC));
      },
    );

    const made = p.let("made", p.call(take, map));
    p.if(made.isZero(), () => p.return(-ENOMEM));
    const wordBytes = p.let("word_bytes", map.u32(mapHeader.CPU_STRIDE));
    p.store32(made, trieNode.LENGTH, length);
    p.copy(wordsOf(made), words, wordBytes);
    p.do(p.call(values.start, map, made.add(map.u32(mapHeader.VALUE_OFFSET)), value));

    p.if(same, () => {
      replaceNode(p, map, slot, parent, node, made, retire);
      p.do(p.call(index.touch, map, parent, slot));
      p.if(branch, () => p.add32(map, mapHeader.COUNT, 1));
      p.return(0);
    });
    p.block((placed) => {
      p.if(node.isZero().or(common.eq(length)), () => {
        p.if(node, () => hang(p, p.let("below", childSlot(made, bitOf(wordsOf(node), length))), made, node));
        hang(p, slot, parent, made);
        placed();
      });
      const fork = p.let("fork", p.call(take, map));
      p.if(fork.isZero(), () => {
        p.do(p.call(retire, map, made));
        p.return(-ENOMEM);
      });
      p.store32(fork, trieNode.LENGTH, common.or(TRIE_BRANCH | 0));
      p.copy(wordsOf(fork), wordsOf(node), wordBytes);
      const side = p.let("side", bitOf(words, common));
      hang(p, childSlot(fork, side), fork, made);
      hang(p, childSlot(fork, side.xor(1)), fork, node);
      hang(p, slot, parent, fork);
    });
    p.do(p.call(index.touch, map, parent, slot));
    p.add32(map, mapHeader.COUNT, 1);
    p.return(0);
  });
}

/** Puts `made` where `node` was, with its children. */
function replaceNode(
  p: Procedure,
  map: Expression,
  slot: Expression,
  parent: Expression,
  node: Expression,
  made: Expression,
  retire: Callable,
): void {
  for (const child of [trieNode.CHILD, trieNode.CHILD + 4]) {
    const below = p.let("below", node.u32(child));
    p.store32(made, child, below);
    p.if(below, () => p.store32(below, trieNode.PARENT, made));
  }
  hang(p, slot, parent, made);
  p.do(p.call(retire, map, node));
}

/** The slot that a node hangs in. */
function slotOf(p: Procedure, map: Expression, node: Expression): Variable {
  const parent = p.let("above", node.u32(trieNode.PARENT));
  const slot = p.let("own_slot", map.add(mapHeader.TABLE));
  p.if(parent, () => {
    p.set(slot, parent);
    p.if(parent.u32(trieNode.CHILD).ne(node), () => p.add(slot, 4));
  });
  return slot;
}

function defineDelete({ module }: CoreScope, { keys, retire, index }: TrieParts, find: Callable) {
  return defineProcedure(module, "trie_delete", ["map", "key"], (p) => {
    const { map, key } = p.params;
    const length = p.let("length", key.u32());
    p.if(length.gt(largestPrefix(map)), () => p.return(-EINVAL));
    const node = p.let("node", p.call(find, map, p.call(keys.words, map, key), length));
    p.if(node.isZero(), () => p.return(-ENOENT));
    p.add32(map, mapHeader.COUNT, -1);
    const left = p.let("left", node.u32(trieNode.CHILD));
    const right = p.let("right", node.u32(trieNode.CHILD + 4));
    const parent = p.let("parent", node.u32(trieNode.PARENT));
    const slot = slotOf(p, map, node);
    p.if(left.ne(0).and(right.ne(0)), () => {
      p.store32(node, trieNode.LENGTH, length.or(TRIE_BRANCH | 0));
      p.do(p.call(index.touch, map, parent, slot));
      p.return(0);
    });
    const child = p.let("child", left.or(right));
    p.store32(slot, 0, child);
    p.if(child, () => p.store32(child, trieNode.PARENT, parent));
    p.do(p.call(retire, map, node));
    p.block((done) => {
      p.if(child, done);
      p.if(parent.isZero(), done);
      p.if(
        parent
          .u32(trieNode.LENGTH)
          .and(TRIE_BRANCH | 0)
          .isZero(),
        done,
      );
      // A fork with one way left is none.
      const sibling = p.let("sibling", parent.u32(trieNode.CHILD).or(parent.u32(trieNode.CHILD + 4)));
      const fork = p.let("fork", parent);
      p.set(slot, slotOf(p, map, fork));
      p.set(parent, fork.u32(trieNode.PARENT));
      hang(p, slot, parent, sibling);
      p.do(p.call(retire, map, fork));
    });
    p.do(p.call(index.touch, map, parent, slot));
    p.return(0);
  });
}

/**
 * `(map, key or 0, next)`: every node after its subtrees, so longer prefixes before the shorter ones that contain them.
 * A key that isn't there starts over.
 */
function defineNextKey({ module }: CoreScope, keys: TrieKeyProcedures, find: Callable) {
  return defineProcedure(module, "trie_next_key", ["map", "key", "next"], (p) => {
    const { map, key, next } = p.params;
    const root = p.let("root", map.u32(mapHeader.TABLE));
    p.if(root.isZero(), () => p.return(-ENOENT));
    const node = p.let("node", 0);
    p.if(key, () => {
      const length = p.let("length", key.u32());
      p.if(length.le(largestPrefix(map)), () => {
        p.set(node, p.call(find, map, p.call(keys.words, map, key), length));
      });
    });
    const descend = p.let("descend", 1);
    p.if(
      node,
      () => {
        p.set(descend, 0);
        p.loop(({ leave, repeat }) => {
          const parent = p.let("parent", node.u32(trieNode.PARENT));
          p.if(parent.isZero(), () => p.return(-ENOENT));
          const right = p.let("right", parent.u32(trieNode.CHILD + 4));
          p.if(right.ne(0).and(right.ne(node)), () => {
            p.set(node, right);
            p.set(descend, 1);
            leave();
          });
          p.set(node, parent);
          p.if(node.u32(trieNode.LENGTH).and(TRIE_BRANCH | 0), repeat);
          leave();
        });
      },
      () => p.set(node, root),
    );
    p.if(descend, () => emitDescend(p, node));
    emitKey(p, map, node, next);
    p.return(0);
  });
}

/** To the first leaf. */
function emitDescend(p: Procedure, node: Variable): void {
  p.loop(({ leave, repeat }) => {
    for (const child of [trieNode.CHILD, trieNode.CHILD + 4]) {
      const below = p.let("below", node.u32(child));
      p.if(below, () => {
        p.set(node, below);
        repeat();
      });
    }
    leave();
  });
}

/** Writes a node's prefix as a key. */
function emitKey(p: Procedure, map: Expression, node: Expression, next: Expression): void {
  const size = p.let("key_size", map.u32(mapHeader.KEY_SIZE));
  p.store32(next, 0, lengthOf(node));
  const at = p.let("at", 4);
  p.loop(({ leave }) => {
    p.if(at.add(8).gt(size), leave);
    p.store64(next.add(at), 0, swapBytes64(p, node.add(at).u64(trieNode.WORDS - 4)));
    p.add(at, 8);
  });
  const rest = p.let("rest", swapBytes64(p, node.add(at).u64(trieNode.WORDS - 4)));
  p.loop(({ leave }) => {
    p.if(at.ge(size), leave);
    p.store8(next.add(at), 0, rest.low());
    p.set(rest, rest.shr(8));
    p.add(at, 1);
  });
}
