import type { Analysis } from "./analysis.js";
import { printFrame } from "./print-state.js";

/** Columns: register states after an instruction are aligned behind it. */
const ALIGNMENT = 40;
const MINIMUM = 8;

function padding(position: number): number {
  const wanted = Math.max(position + MINIMUM / 2, ALIGNMENT);
  return Math.ceil(wanted / MINIMUM) * MINIMUM - position - 1;
}

/** Logs what the last instruction changed, behind it where nothing was logged since. */
export function logInstructionState(analysis: Analysis): void {
  const { log } = analysis;
  if (!log.walk) return;
  if (analysis.instructionEnd !== 0 && analysis.instructionEnd === log.position) {
    log.cut(analysis.instructionEnd - 1);
    log.write(`${" ".repeat(padding(analysis.instructionWidth))};`);
  } else log.write(`${analysis.slot}:`);
  log.write(`${printFrame(analysis, analysis.state, analysis.state.frames.length - 1, false)}\n`);
  analysis.touchNothing();
}
