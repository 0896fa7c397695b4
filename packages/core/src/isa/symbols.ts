import type { AluOperation, AtomicOperation, Comparison } from "./form.js";

// The operators of the assembly language, read by the disassembler in one direction and the assembler in the other.

export const aluSymbols: Readonly<Record<AluOperation, string>> = {
  add: "+=",
  sub: "-=",
  mul: "*=",
  div: "/=",
  sdiv: "s/=",
  or: "|=",
  and: "&=",
  lsh: "<<=",
  rsh: ">>=",
  mod: "%=",
  smod: "s%=",
  xor: "^=",
  mov: "=",
  arsh: "s>>=",
};

export const comparisonSymbols: Readonly<Record<Comparison, string>> = {
  eq: "==",
  gt: ">",
  ge: ">=",
  set: "&",
  ne: "!=",
  sgt: "s>",
  sge: "s>=",
  lt: "<",
  le: "<=",
  slt: "s<",
  sle: "s<=",
};

/** The atomics that are written as an operator; xchg and cmpxchg are written as calls. */
export const atomicSymbols: Readonly<Record<Exclude<AtomicOperation, "xchg" | "cmpxchg">, string>> = {
  add: "+=",
  or: "|=",
  and: "&=",
  xor: "^=",
};
