import { returnRule } from "../abi/index.js";
import { type Analysis, CALLS_CALLBACK } from "./analysis.js";
import { copyRegister, registerAt, S32_MAX, S32_MIN, SMAX, SMIN, TYPE } from "./domain/register.js";
import { SCALAR, STACK, typeName } from "./pointer-types.js";
import { printFrame } from "./print-state.js";
import { checkLeaks } from "./references.js";
import { boundNumber, hidesValue, requireReadable } from "./registers.js";
import { hookResult } from "./typed-context.js";
import type { Walk } from "./walk.js";
import { widenScalars } from "./widening.js";

/** The exit instruction. True where the path ends, false where it goes on in a caller. */
export function stepExit(walk: Walk): boolean {
  const { analysis } = walk;
  const { state } = analysis;
  checkLeaks(analysis, "BPF_EXIT instruction in main prog", state.frames.length === 1, false);
  if (state.frames.length > 1) {
    returnToCaller(walk);
    return false;
  }
  checkResult(walk, 0);
  return true;
}

/** Leaves the innermost frame. */
export function returnToCaller(walk: Walk): void {
  const { analysis } = walk;
  const { state } = analysis;
  walk.liveness.propagate();
  const callee = state.frame;
  const caller = state.frames[state.frames.length - 2]!;
  const r0 = registerAt(0);
  if (callee.records[r0 + TYPE] === STACK) {
    analysis.invalid("return_value", "cannot return stack pointer to the caller");
  }
  if (callee.inCallback) checkCallbackResult(walk);
  else copyRegister(caller.records, r0, callee.records, r0);
  const target = callee.inCallback ? callee.callsite : callee.callsite + 1;
  if (analysis.log.walk) {
    const inner = state.frames.length - 1;
    analysis.log.write(
      `returning from callee:\n${printFrame(analysis, state, inner, true)}\n` +
        `to caller at ${target}:\n${printFrame(analysis, state, inner - 1, true)}\n`,
    );
  }
  state.frames.pop();
  analysis.pool.release(callee);
  analysis.slot = target;
  walk.liveness.leaveChain();
  if (!callee.inCallback) return;
  const previous = walk.checkpoints.previousEntry(state, target);
  if (previous !== undefined) widenScalars(walk, previous, state);
}

function checkCallbackResult(walk: Walk): void {
  const { analysis } = walk;
  const { frame } = analysis;
  if (frame.records[registerAt(0) + TYPE] !== SCALAR) analysis.deny("return_value", "R0 not a scalar value");
  walk.precision.mark(0);
  checkRange(walk, 0, { min: frame.callbackMin, max: frame.callbackMax, when: "At callback return" });
  if ((analysis.points[frame.callsite]! & CALLS_CALLBACK) === 0) {
    analysis.notModelled("a callback that returns to a call that runs none");
  }
}

interface AllowedRange {
  readonly min: number;
  readonly max: number;
  readonly when: string;
  /** Only the lower half counts. */
  readonly only32?: boolean;
  readonly note?: string;
}

function checkRange(walk: Walk, register: number, { min, max, when, only32 = false, note = "" }: AllowedRange): void {
  const { analysis } = walk;
  const { records } = analysis.frame;
  const at = registerAt(register);
  const lowest = only32 ? records[at + S32_MIN]! : boundNumber(records, at + SMIN);
  const highest = only32 ? records[at + S32_MAX]! : boundNumber(records, at + SMAX);
  if (lowest >= min && highest <= max) return;
  const bound = (field: number) =>
    BigInt.asIntN(64, (BigInt(records[at + field + 1]!) << 32n) | BigInt(records[at + field]! >>> 0));
  const smin = bound(SMIN);
  const smax = bound(SMAX);
  let known = "";
  if (smin > -(1n << 63n)) known += ` smin=${smin}`;
  if (smax < (1n << 63n) - 1n) known += ` smax=${smax}`;
  if (known === "") known = " unknown scalar value";
  analysis.invalid(
    "return_value",
    `${when} the register R${register} has${known} should have been in [${min}, ${max}]${note}`,
  );
}

/** What the program returns to the kernel. */
export function checkResult(walk: Walk, register: number): void {
  const analysis: Analysis = walk.analysis;
  const { frame, target } = analysis;
  const ofProgram = frame.subprogram === 0 || frame.inExceptionCallback;
  if (ofProgram && returnsNothing(analysis)) return;
  requireReadable(analysis, register);
  if (hidesValue(analysis, register)) analysis.deny("pointer_leak", `R${register} leaks addr as return value`);
  const type = frame.records[registerAt(register) + TYPE]!;
  if (frame.inAsyncCallback) {
    requireScalarResult(walk, register, type, "At async callback return");
    walk.precision.mark(register);
    const range = { min: frame.callbackMin, max: frame.callbackMax, when: "At async callback return" };
    checkRange(walk, register, range);
    return;
  }
  if (!ofProgram) {
    if (type === SCALAR) return;
    analysis.invalid(
      "return_value",
      `At subprogram exit the register R${register} is not a scalar value (${typeName(type)})`,
    );
  }
  const hook =
    analysis.type === "lsm" && analysis.attachType === "lsm_mac" ? hookResult(target?.name ?? "") : undefined;
  const rule = hook ?? resultRule(analysis);
  if (rule === undefined) return;
  requireScalarResult(walk, register, type, "At program exit");
  walk.precision.mark(register);
  const note = isVoidCgroupHook(analysis)
    ? "\nNote, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!"
    : "";
  checkRange(walk, register, { ...rule, when: "At program exit", only32: hook !== undefined, note });
}

/** Hooks and members without a result, whose programs leave r0 as it is. */
function returnsNothing({ type, attachType, target }: Analysis): boolean {
  if (target === undefined || target.returns !== 0) return false;
  return (type === "lsm" && attachType !== "lsm_cgroup") || type === "struct_ops";
}

function isVoidCgroupHook({ attachType, target }: Analysis): boolean {
  return attachType === "lsm_cgroup" && target?.returns === 0;
}

function resultRule(analysis: Analysis): { readonly min: number; readonly max: number } | undefined {
  if (analysis.attachType !== "lsm_cgroup") return returnRule(analysis.type, analysis.attachType);
  return isVoidCgroupHook(analysis) ? { min: 1, max: 1 } : { min: 0, max: 1 };
}

function requireScalarResult(walk: Walk, register: number, type: number, when: string): void {
  if (type === SCALAR) return;
  walk.analysis.invalid("return_value", `${when} the register R${register} is not a known value (${typeName(type)})`);
}
