import { registerAt } from "./domain/register.js";
import { clearCallerSaved, passArguments, pushFrame } from "./frames.js";
import { checkGlobalArguments } from "./global-functions.js";
import { forgetPacketPointers } from "./invalidate.js";
import { printFrame } from "./print-state.js";
import { setUnknownScalar } from "./registers.js";
import type { Walk } from "./walk.js";

/** A call of another function of the program. */
export function stepProgramCall(walk: Walk): void {
  const { analysis } = walk;
  const { insns, slot, state } = analysis;
  const index = analysis.subprogramAt(slot + insns.imm[slot]! + 1);
  const callee = analysis.subprograms[index]!;
  if (callee.global) {
    callGlobal(walk, index);
    analysis.slot = slot + 1;
    return;
  }
  const caller = state.frame;
  const frame = pushFrame(analysis, state, index, slot);
  passArguments(caller, frame);
  clearCallerSaved(analysis, caller);
  walk.liveness.leaveChain();
  if (analysis.log.walk) {
    const inner = state.frames.length - 1;
    analysis.log.write(
      `caller:\n${printFrame(analysis, state, inner - 1, true)}\n` +
        `callee:\n${printFrame(analysis, state, inner, true)}\n`,
    );
  }
  analysis.slot = callee.start;
}

/** A global function is verified by itself: a call only has to pass what its types ask for. */
function callGlobal(walk: Walk, index: number): void {
  const { analysis } = walk;
  const { state, frame } = analysis;
  const callee = analysis.subprograms[index]!;
  if (state.locks > 0) {
    analysis.invalid(
      "lock",
      "global function calls are not allowed while holding a lock,\nuse static function instead",
    );
  }
  const cannotSleep = state.rcuLocks > 0 || state.preemptLocks > 0 || state.irqId !== 0 || !state.sleepable;
  if (callee.mightSleep && cannotSleep) {
    analysis.invalid(
      "sleep",
      "global functions that may sleep are not allowed in non-sleepable context,\n" +
        "i.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context",
    );
  }
  checkGlobalArguments(walk, index);
  if (analysis.log.walk) analysis.log.write(`Func#${index} ('${callee.name}') is global and assumed valid.\n`);
  if (callee.changesPacket) forgetPacketPointers(analysis);
  callee.called = true;
  clearCallerSaved(analysis, frame);
  setUnknownScalar(analysis, frame.records, registerAt(0));
}
