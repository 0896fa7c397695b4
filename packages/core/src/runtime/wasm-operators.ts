import type { AluOperation, Comparison } from "../isa/index.js";

/** Rounds that may_goto lets a frame go: the kernel's BPF_MAX_LOOPS. */
export const MAY_GOTO_ROUNDS = 8 * 1024 * 1024;

/** may_goto also leaves its loop once only this part of what was left of the budget at its frame's start is left: a quarter. */
export const MAY_GOTO_FLOOR_SHIFT = 2;

/** WebAssembly's names of the comparisons of jumps, for either width. @see RFC 9669 section 4.3 */
export const wasmComparisons = {
  eq: "eq",
  ne: "ne",
  gt: "gt_u",
  ge: "ge_u",
  lt: "lt_u",
  le: "le_u",
  sgt: "gt_s",
  sge: "ge_s",
  slt: "lt_s",
  sle: "le_s",
} as const satisfies Record<Exclude<Comparison, "set">, string>;

/** Operations that WebAssembly has with eBPF's meaning: wrapping, shift amounts masked. @see RFC 9669 section 4.1 */
export const wasmArithmetic = {
  add: "add",
  sub: "sub",
  mul: "mul",
  or: "or",
  and: "and",
  xor: "xor",
  lsh: "shl",
  rsh: "shr_u",
  arsh: "shr_s",
} as const satisfies Partial<Record<AluOperation, string>>;

/** Divisions, which WebAssembly has but for the cases that trap there. */
export const wasmDivision = {
  div: "div_u",
  sdiv: "div_s",
  mod: "rem_u",
  smod: "rem_s",
} as const satisfies Partial<Record<AluOperation, string>>;
