import { I64 } from "../../wasm/index.js";
import { mapHeader, trieNode } from "../layout.js";
import { constant, constant64, type Expression } from "./expression.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// Prefixes are compared as big-endian words, where the first bit that differs is the count of leading zeroes of an
// exclusive or.

/** Bytes of a key before its data: the prefix length, a u32. */
export const PREFIX_LENGTH_BYTES = 4;

/** Bits that a key can have. */
export function largestPrefix(map: Expression): Expression {
  return map.u32(mapHeader.KEY_SIZE).sub(PREFIX_LENGTH_BYTES).shl(3);
}

export function swapBytes32(p: Procedure, value: Expression): Expression {
  const given = p.let("given", value);
  return given
    .rotl(8)
    .and(0x00ff00ff)
    .or(given.rotl(24).and(0xff00ff00 | 0));
}

export function swapBytes64(p: Procedure, value: Expression): Expression {
  const given = p.let("given", value);
  const bytes = constant64(0x00ff00ff, 0x00ff00ff);
  const pairs = constant64(0x0000ffff, 0x0000ffff);
  p.set(given, given.and(bytes).shl(8).or(given.shr(8).and(bytes)));
  p.set(given, given.and(pairs).shl(16).or(given.shr(16).and(pairs)));
  return given.rotl(32);
}

export interface TrieKeyProcedures {
  /** `(map, key) -> address of the key's words`: in the running CPU's scratch words, padded with zeroes. */
  readonly words: Procedure<"map" | "key">;
  /** `(a, b, limit) -> bits`: length of the common prefix of two runs of words, at most `limit`. */
  readonly common: Procedure<"a" | "b" | "limit">;
}

export function defineTrieKeys({ module, cpu }: CoreScope): TrieKeyProcedures {
  const words = defineProcedure(module, "trie_words", ["map", "key"], (p) => {
    const { map, key } = p.params;
    const size = p.let("size", map.u32(mapHeader.KEY_SIZE).sub(PREFIX_LENGTH_BYTES));
    const out = p.let("out", map.u32(mapHeader.STORAGE).add(cpu.mul(map.u32(mapHeader.CPU_STRIDE))));
    const from = p.let("from", key.add(PREFIX_LENGTH_BYTES));
    const at = p.let("at", 0);
    p.loop(({ leave }) => {
      p.if(at.add(8).gt(size), leave);
      p.store64(out.add(at), 0, swapBytes64(p, from.add(at).u64()));
      p.add(at, 8);
    });
    p.if(at.lt(size), () => {
      const word = p.let("word", constant(0, I64));
      const shift = p.let("shift", constant(56, I64));
      const byte = p.let("byte", at);
      p.loop(({ leave }) => {
        p.set(word, word.or(from.add(byte).u8().wide().shl(shift)));
        p.set(shift, shift.sub(8));
        p.add(byte, 1);
        p.if(byte.eq(size), leave);
      });
      p.store64(out.add(at), 0, word);
    });
    p.return(out);
  });
  const common = defineProcedure(module, "trie_common", ["a", "b", "limit"], (p) => {
    const { a, b, limit } = p.params;
    const bits = p.let("bits", 0);
    p.loop(({ leave }) => {
      p.if(bits.ge(limit), leave);
      const at = bits.shr(3);
      const equal = p.let("equal", a.add(at).u64().xor(b.add(at).u64()).leadingZeros().low());
      p.add(bits, equal);
      p.if(equal.ne(64), leave);
    });
    p.if(bits.gt(limit), () => p.return(limit));
    p.return(bits);
  });
  return { words, common };
}

/** Bit number `index` of a run of words, 0 or 1. */
export function bitOf(words: Expression, index: Expression): Expression {
  const word = words.add(index.shr(6).shl(3)).u64();
  return word.shl(index.wide()).shr(63).low();
}

/** Bits of a node's prefix, without its flag. */
export function lengthOf(node: Expression): Expression {
  return node.u32(trieNode.LENGTH).and(0x7fff_ffff);
}

export function wordsOf(node: Expression): Expression {
  return node.add(trieNode.WORDS);
}

export function childSlot(node: Expression, bit: Expression): Expression {
  return node.add(trieNode.CHILD).add(bit.shl(2));
}
