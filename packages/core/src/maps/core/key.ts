import { constant, type Expression, type Operand } from "./expression.js";
import type { Procedure } from "./procedure.js";

/**
 * What is known of a key's size while code is generated: exactly 4 or 8 bytes, 12 to 16 (where two overlapping loads of
 * 8 bytes see it all), or nothing.
 */
export type KeyShape = "4" | "8" | "12to16" | "any";
export const keyShapes: readonly KeyShape[] = ["4", "8", "12to16", "any"];

/** The shape with the fastest code for keys of `size` bytes. */
export function keyShape(size: number): KeyShape {
  if (size === 4 || size === 8) return `${size}`;
  return size >= 12 && size <= 16 ? "12to16" : "any";
}

/** Runs `then` where the keys differ; falls through where they are equal. */
export function ifKeysDiffer(
  p: Procedure,
  shape: KeyShape,
  a: Expression,
  b: Expression,
  size: Expression,
  then: () => void,
): void {
  if (shape === "4") p.if(a.u32().ne(b.u32()), then);
  else if (shape === "8") p.if(a.u64().ne(b.u64()), then);
  else if (shape === "12to16") {
    const head = a.u64().xor(b.u64());
    const tail = tailWord(a, size).xor(tailWord(b, size));
    p.if(head.or(tail).isZero().isZero(), then);
  } else ifBytesDiffer(p, a, b, size, then);
}

function tailWord(key: Expression, size: Expression): Expression {
  return key.add(size).sub(8).u64();
}

function ifBytesDiffer(p: Procedure, a: Expression, b: Expression, size: Expression, then: () => void): void {
  const at = p.let("compared", 0);
  const equal = p.let("equal", 1);
  p.loop(({ leave, repeat }) => {
    p.if(at.add(8).le(size), () => {
      p.if(a.add(at).u64().ne(b.add(at).u64()), () => {
        p.set(equal, 0);
        leave();
      });
      p.add(at, 8);
      repeat();
    });
    p.if(at.eq(size), leave);
    p.if(a.add(at).u8().ne(b.add(at).u8()), () => {
      p.set(equal, 0);
      leave();
    });
    p.add(at, 1);
  });
  p.if(equal.isZero(), then);
}

/** Copies a key or value of any size; few bytes go without the engine's bulk copy, which is dear for them. */
export function copyBytes(p: Procedure, to: Expression, from: Expression, size: Expression): void {
  p.block((done) => {
    p.if(size.gt(64), () => {
      p.copy(to, from, size);
      done();
    });
    const at = p.let("copied", 0);
    p.if(size.lt(8), () => {
      p.if(size.eq(4), () => {
        p.store32(to, 0, from.u32());
        done();
      });
      p.loop(({ leave }) => {
        p.if(at.eq(size), leave);
        p.store8(to.add(at), 0, from.add(at).u8());
        p.add(at, 1);
      });
      done();
    });
    // Whole words from the front, and one that ends where the bytes end.
    const last = p.let("last", size.sub(8));
    const end = p.let("end_word", from.add(last).u64());
    p.loop(({ leave }) => {
      p.if(at.ge(last), leave);
      p.store64(to.add(at), 0, from.add(at).u64());
      p.add(at, 8);
    });
    p.store64(to.add(last), 0, end);
  });
}

export function roundedUp8(size: Operand): Expression {
  return (typeof size === "number" ? constant(size) : size).add(7).and(-8);
}
