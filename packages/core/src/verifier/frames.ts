import { E2BIG } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { AUX, clearRegister, copyRegister, FRAME, OBJECT, registerAt } from "./domain/register.js";
import { MAP_KEY, MAP_PTR, MAP_VALUE, STACK } from "./pointer-types.js";
import { setPointer } from "./registers.js";
import { FP, type Frame, MAX_FRAMES, NO_CALLSITE, type State } from "./state.js";

/** A function's frame at its entry: only the frame pointer is there. */
export function enterFrame(analysis: Analysis, number: number, subprogram: number, callsite: number): Frame {
  const frame = analysis.pool.fresh(number, subprogram, callsite);
  setPointer(frame.records, registerAt(FP), STACK);
  frame.records[registerAt(FP) + FRAME] = number;
  analysis.touchEverything();
  return frame;
}

export function enterMainFrame(analysis: Analysis, subprogram: number): Frame {
  return enterFrame(analysis, 0, subprogram, NO_CALLSITE);
}

/** Adds the callee's frame to a state. */
export function pushFrame(analysis: Analysis, state: State, subprogram: number, callsite: number): Frame {
  const depth = state.frames.length;
  if (depth >= MAX_FRAMES) {
    analysis.reject("call_depth", E2BIG, `the call stack of ${depth + 1} frames is too deep`);
  }
  const frame = enterFrame(analysis, depth, subprogram, callsite);
  state.frames.push(frame);
  return frame;
}

/** r1 to r5 of the callee are those of the caller. */
export function passArguments(caller: Frame, callee: Frame): void {
  for (let register = 1; register <= 5; register++) passRegister(caller, register, callee, register);
}

export function passRegister(caller: Frame, from: number, callee: Frame, to: number): void {
  copyRegister(callee.records, registerAt(to), caller.records, registerAt(from));
}

export function forgetRegisters(frame: Frame, first: number, last: number): void {
  for (let register = first; register <= last; register++) clearRegister(frame.records, registerAt(register));
}

/** The arguments of a callback that gets a map, a key and a value of it. */
export function passMapElement(frame: Frame, object: number, uid: number, firstRegister: number): void {
  const kinds = [MAP_PTR, MAP_KEY, MAP_VALUE];
  kinds.forEach((kind, i) => {
    const at = registerAt(firstRegister + i);
    setPointer(frame.records, at, kind);
    frame.records[at + OBJECT] = object;
    frame.records[at + AUX] = 0;
    frame.records[at + AUX + 2] = uid;
  });
}

/** What a call leaves of r0 to r5: nothing. */
export function clearCallerSaved(analysis: Analysis, frame: Frame): void {
  for (let register = 0; register <= 5; register++) {
    clearRegister(frame.records, registerAt(register));
    analysis.touchRegister(register);
  }
}
