import { functionRecord, type Runtime } from "../runtime/index.js";
import { InterpretedProgram } from "./program.js";

/**
 * Where a callx goes: the entry of the function whose record the register points to, or 0 once the helper was called
 * whose number it holds. What is neither is a fault.
 */
export function callRegister(runtime: Runtime, low: number, high: number): number {
  const value = low >>> 0;
  if (high === 0) {
    if (runtime.callHelper(value)) return 0;
    const image = runtime.runningImage;
    if (image instanceof InterpretedProgram && image.functions.includes(value))
      return runtime.memory.u32[(value + functionRecord.entry) >> 2]!;
  }
  return runtime.badCallTarget(low, high);
}
