import { functionRecord, type Runtime } from "../runtime/index.js";
import { InterpretedProgram } from "./program.js";

/**
 * Where a callx goes: the entry of the function whose record the register points to, or 0 once the helper was called
 * whose number it holds. What is neither is a fault.
 */
export function callRegister(runtime: Runtime, low: number, high: number): number {
  const value = low >>> 0;
  if (high === 0) {
    const helper = runtime.helpers.get(value);
    if (helper !== undefined) {
      const run = runtime.helpers.guarded(value, helper);
      const argument = (register: number) => runtime.registerLow(register);
      const result = run(argument(1), argument(2), argument(3), argument(4), argument(5));
      if (helper.result !== "wide") runtime.setRegister(0, result, helper.result === "int" ? result >> 31 : 0);
      return 0;
    }
    const image = runtime.runningImage;
    if (image instanceof InterpretedProgram && image.functions.includes(value))
      return runtime.memory.u32[(value + functionRecord.entry) >> 2]!;
  }
  return runtime.badCallTarget(low, high);
}
