import { BPF_ANY, EINVAL, ENOENT } from "../../abi/index.js";
import { mapHeader } from "../layout.js";
import type { Expression, Variable } from "./expression.js";
import { emitMapHash } from "./hash-table.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// A Bloom filter whose bit numbers are h + i * g for two hashes h and g, which loses nothing against independent hash
// functions (Kirsch, Mitzenmacher: Less Hashing, Same Performance).

/** Runs `body` for the address and mask of each of a value's bits. */
function forEachBit(
  p: Procedure,
  map: Expression,
  value: Expression,
  body: (word: Expression, bit: Expression) => void,
) {
  const size = p.let("size", map.u32(mapHeader.VALUE_SIZE));
  const hash: Variable = emitMapHash(p, "any", map, value, size);
  const step = p.let(
    "step",
    hash
      .mul(0x9e3779b1 | 0)
      .rotl(15)
      .or(1),
  );
  const left = p.let("left", map.u32(mapHeader.HASHES));
  p.loop(({ leave }) => {
    const number = p.let("number", hash.and(map.u32(mapHeader.TABLE_MASK)));
    const word = p.let("word", map.u32(mapHeader.STORAGE).add(number.shr(5).shl(2)));
    body(word, p.let("bit", p.let("one", 1).shl(number)));
    p.add(hash, step);
    p.add(left, -1);
    p.if(left.isZero(), leave);
  });
}

export function defineBloomFilter({ module }: CoreScope) {
  const push = defineProcedure(module, "bloom_push", ["map", "value", "flags"], (p) => {
    const { map, value, flags } = p.params;
    p.if(flags.ne(BPF_ANY), () => p.return(-EINVAL));
    forEachBit(p, map, value, (word, bit) => p.store32(word, 0, word.u32().or(bit)));
    p.return(0);
  });
  const peek = defineProcedure(module, "bloom_peek", ["map", "value"], (p) => {
    const { map, value } = p.params;
    forEachBit(p, map, value, (word, bit) => p.if(word.u32().and(bit).isZero(), () => p.return(-ENOENT)));
    p.return(0);
  });
  return { push, peek };
}
