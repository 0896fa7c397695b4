import type { Comparison } from "../isa/index.js";
import { MAY_GOTO_FLOOR_SHIFT, MAY_GOTO_ROUNDS, wasmComparisons } from "../runtime/index.js";
import { I32, I64, i32, i64, type Local, type Operator } from "../wasm/index.js";
import { pushOperand } from "./arithmetic.js";
import { BALANCE, type Translation } from "./translation.js";

const opposites = {
  eq: "ne",
  ne: "eq",
  gt: "le",
  le: "gt",
  ge: "lt",
  lt: "ge",
  sgt: "sle",
  sle: "sgt",
  sge: "slt",
  slt: "sge",
} as const satisfies Record<Exclude<Comparison, "set">, Exclude<Comparison, "set">>;

/** Pushes whether the conditional jump at the current slot is taken; inverted, whether it isn't. */
export function emitCondition(t: Translation, inverted: boolean): void {
  const { f } = t;
  const { slots, rows } = t.parts.program;
  const row = rows[t.slot]!;
  if (row.kind === "may_goto") {
    emitMayGoto(t);
    if (inverted) f.op(i32.eqz);
    return;
  }
  if (row.kind !== "branch") throw new RangeError(`slot ${t.slot} is no conditional jump`);
  const { comparison, width, source } = row;
  const ops = width === 32 ? i32 : i64;
  t.get(slots.dst[t.slot]!, width);
  if (source === "imm" && slots.imm[t.slot] === 0 && (comparison === "eq" || comparison === "ne")) {
    f.op(ops.eqz);
    if ((comparison === "ne") !== inverted) f.op(i32.eqz);
    return;
  }
  pushOperand(t, source, width);
  if (comparison !== "set") f.op(ops[wasmComparisons[inverted ? opposites[comparison] : comparison]] as Operator);
  else {
    f.op(ops.and);
    if (inverted) f.op(ops.eqz);
    else if (width === 64) f.i64(0).op(i64.ne);
  }
}

/** may_goto's counter: one a frame, so it is a local. */
function counterOf(t: Translation): Local {
  return t.scratch(I32, "rounds");
}

/** Slots left of the budget at which may_goto gives up in this frame. */
function floorOf(t: Translation): Local {
  return t.scratch(I64, "floor");
}

/** At the entry of functions that have may_goto: their frame is new, and the balance is what is left of the budget. */
export function emitCounterStart(t: Translation): void {
  t.f.i32(MAY_GOTO_ROUNDS).set(counterOf(t));
  t.f.get(BALANCE).i64(MAY_GOTO_FLOOR_SHIFT).op(i64.shr_s).set(floorOf(t));
}

/** Jumps when this frame's rounds, or its part of the budget, are used up, else counts a round. */
function emitMayGoto(t: Translation): void {
  const { f } = t;
  const counter = counterOf(t);
  const leaves = t.scratch(I32, "leaves");
  f.get(counter).op(i32.eqz);
  t.left();
  f.get(floorOf(t)).op(i64.lt_s).op(i32.or).set(leaves);
  f.get(counter).get(leaves).op(i32.eqz).op(i32.sub).set(counter);
  f.get(leaves);
}
