import { I64 } from "../../wasm/index.js";
import type { Expression, Variable } from "./expression.js";
import type { KeyShape } from "./key.js";
import type { Procedure } from "./procedure.js";

// wyhash32 by Wang Yi, public domain (the Unlicense): a 64-bit product's halves are the state. It is chosen because
// WebAssembly has that product in one instruction, because it takes a seed, so that flows can't be made to collide on
// purpose, and because 16 bytes cost four products. https://github.com/wangyi-fudan/wyhash, wyhash32.h.

const A = 0x53c5ca59;
const B = 0x74743c1b;

/** Seeds that the hash function is known to be weak with; its author says to skip them. */
const WEAK_SEEDS = [0x429dacdd, 0xd637dbf3];

function mix(a: number, b: number): [number, number] {
  const product = BigInt.asUintN(64, BigInt((a ^ A) >>> 0) * BigInt((b ^ B) >>> 0));
  return [Number(product & 0xffff_ffffn), Number(product >> 32n)];
}

/** The state after seed and key length went in, which is the same for all keys of one map. */
export function startHash(seed: number, keySize: number): { readonly a: number; readonly b: number } {
  const safe = WEAK_SEEDS.includes(seed >>> 0) ? seed ^ 1 : seed;
  const [a, b] = mix(safe >>> 0, keySize);
  return { a, b };
}

/** Hashes the key at `key` from a {@link startHash} state in `a` and `b`, which are used up. Returns 32 bits. */
export function emitHash(
  p: Procedure,
  shape: KeyShape,
  key: Expression,
  size: Expression,
  a: Variable,
  b: Variable,
): Variable {
  const product = p.let("product", 0, I64);
  const mixIn = (low: Expression, high: Expression) => {
    p.set(product, low.xor(A).wide().mul(high.xor(B).wide()));
    p.set(a, product.low());
    p.set(b, product.shr(32).low());
  };
  if (shape === "4") mixIn(a.xor(key.u32()), b.xor(key.u32()));
  else if (shape === "8") mixIn(a.xor(key.u32()), b.xor(key.u32(4)));
  else if (shape === "12to16") {
    mixIn(a.xor(key.u32()), b.xor(key.u32(4)));
    mixIn(a.xor(key.u32(8)), b.xor(key.add(size).sub(4).u32()));
  } else {
    const at = p.let("hashed", key);
    const left = p.let("unhashed", size);
    p.loop(({ leave }) => {
      p.if(left.le(8), leave);
      mixIn(a.xor(at.u32()), b.xor(at.u32(4)));
      p.add(at, 8);
      p.set(left, left.sub(8));
    });
    p.if(
      left.ge(4),
      () => mixIn(a.xor(at.u32()), b.xor(at.add(left).sub(4).u32())),
      () => mixIn(a.xor(shortWord(at, left)), b),
    );
  }
  mixIn(a, b);
  return p.let("hash", a.xor(b));
}

/** One to three bytes. */
function shortWord(at: Expression, left: Expression): Expression {
  const middle = at.add(left.shr(1)).u8();
  return at.u8().shl(16).or(middle.shl(8)).or(at.add(left).sub(1).u8());
}
