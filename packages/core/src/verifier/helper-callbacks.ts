import { ENOTSUPP, mapTypeName } from "../abi/index.js";
import { KERNEL_TYPES } from "./analysis.js";
import { setTypedPointer } from "./btf-access.js";
import type { CallArguments } from "./call-arguments.js";
import { OBJECT, registerAt, TYPE, UMAX } from "./domain/register.js";
import { setKernelDynptr } from "./dynptrs.js";
import { enterMainFrame, forgetRegisters, passMapElement, passRegister, pushFrame } from "./frames.js";
import { pushPath, pushState } from "./pending.js";
import { SCALAR } from "./pointer-types.js";
import { setUnknownScalar, unsignedNumber } from "./registers.js";
import { type Frame, State } from "./state.js";
import { kernelStruct } from "./struct-walk.js";
import type { Walk } from "./walk.js";

const forEachMaps: ReadonlySet<string> = new Set([
  "hash",
  "percpu_hash",
  "lru_hash",
  "lru_percpu_hash",
  "array",
  "percpu_array",
]);

/** Sets a callback's arguments and the values it may return, given the caller's frame. */
export type PrepareCallback = (caller: Frame, callee: Frame) => void;

/** Puts aside a path through the callback; it comes back to the call, which is walked again. */
export function pushCallback(walk: Walk, subprogram: number, prepare: PrepareCallback): void {
  const { analysis } = walk;
  const { slot, frame: caller } = analysis;
  const callee = analysis.subprograms[subprogram]!;
  callee.isCallback = true;
  const path = pushPath(analysis, callee.start, slot);
  const frame = pushFrame(analysis, path, subprogram, slot);
  prepare(caller, frame);
  frame.inCallback = true;
  path.callbackUnrolls++;
  path.frames[path.frames.length - 2]!.callbackDepth++;
  caller.callbackDepth = 0;
}

function returns(frame: Frame, min: number, max: number): void {
  frame.callbackMin = min;
  frame.callbackMax = max;
}

/** bpf_loop(n, callback, context, flags): callback(index, context). */
export function callLoop(walk: Walk, call: CallArguments): void {
  const { analysis } = walk;
  const { frame } = analysis;
  noteInlineLoop(walk);
  walk.precision.mark(1);
  if (frame.callbackDepth >= unsignedNumber(frame.records, registerAt(1) + UMAX)) {
    frame.callbackDepth = 0;
    if (analysis.log.steps) {
      analysis.log.write(`frame${analysis.state.frames.length - 1} bpf_loop iteration limit reached\n`);
    }
    return;
  }
  pushCallback(walk, call.subprogram, (caller, callee) => {
    setUnknownScalar(analysis, callee.records, registerAt(1));
    callee.records[registerAt(1) + TYPE] = SCALAR;
    passRegister(caller, 3, callee, 2);
    forgetRegisters(callee, 3, 5);
    returns(callee, 0, 1);
  });
}

/** The kernel makes a loop of the call where its flags are known to be 0, which makes their value matter. */
function noteInlineLoop(walk: Walk): void {
  walk.inlineLoops.note(walk.analysis, walk.precision);
}

/** bpf_for_each_map_elem(map, callback, context, flags): callback(map, key, value, context). */
export function callForEach(walk: Walk, call: CallArguments): void {
  const { analysis } = walk;
  const type = call.map === undefined ? undefined : mapTypeName(call.map.type);
  if (type === undefined || !forEachMaps.has(type)) {
    analysis.reject("helper", ENOTSUPP, "callback function not allowed for map");
  }
  pushCallback(walk, call.subprogram, (caller, callee) => {
    const object = caller.records[registerAt(1) + OBJECT]!;
    passMapElement(callee, object, 0, 1);
    passRegister(caller, 1, callee, 1);
    passRegister(caller, 3, callee, 4);
    forgetRegisters(callee, 5, 5);
    returns(callee, 0, 1);
  });
}

/** bpf_find_vma(task, address, callback, context, flags): callback(task, vma, context). */
export function callFindVma(walk: Walk, call: CallArguments): void {
  const { analysis } = walk;
  pushCallback(walk, call.subprogram, (caller, callee) => {
    passRegister(caller, 1, callee, 1);
    const vma = kernelStruct(analysis, "vm_area_struct");
    setTypedPointer(analysis, callee.records, registerAt(2), KERNEL_TYPES, vma, 0);
    passRegister(caller, 4, callee, 3);
    forgetRegisters(callee, 4, 5);
    returns(callee, 0, 1);
  });
}

/** bpf_user_ringbuf_drain(map, callback, context, flags): callback(dynptr, context). */
export function callRingbufDrain(walk: Walk, call: CallArguments): void {
  const { analysis } = walk;
  pushCallback(walk, call.subprogram, (caller, callee) => {
    setKernelDynptr(analysis, callee.records, registerAt(1), "local");
    passRegister(caller, 3, callee, 2);
    forgetRegisters(callee, 3, 5);
    returns(callee, 0, 1);
  });
}

/** Puts aside a path through a callback that runs later, in a frame of its own. */
export function pushAsyncCallback(walk: Walk, index: number, sleepable: boolean, prepare: PrepareCallback): void {
  const { analysis } = walk;
  const { slot, frame: caller } = analysis;
  const subprogram = analysis.subprograms[index]!;
  subprogram.isCallback = true;
  subprogram.isAsyncCallback = true;
  const frame = enterMainFrame(analysis, index);
  const state = new State([frame]);
  state.sleepable = sleepable;
  pushState(analysis, state, subprogram.start, slot, " for async cb");
  frame.asyncEntries = caller.asyncEntries + 1;
  prepare(caller, frame);
  frame.inAsyncCallback = true;
}

/** bpf_timer_set_callback(timer, callback): callback(map, key, value). */
export function callTimerCallback(walk: Walk, call: CallArguments): void {
  pushAsyncCallback(walk, call.subprogram, false, (caller, callee) => {
    passMapElement(callee, caller.records[registerAt(1) + OBJECT]!, 0, 1);
    returns(callee, 0, 0);
  });
}
