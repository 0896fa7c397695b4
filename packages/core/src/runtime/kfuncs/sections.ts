import { functionRecord } from "../executable.js";
import { area } from "../execution-area.js";
import type { Runtime } from "../runtime.js";
import type { KfuncFamily } from "./definition.js";

/** Sections in which the kernel holds something off: nothing here would interrupt a program. */
export const sectionKfuncs: KfuncFamily = (define, { runtime }) => {
  for (const name of [
    "bpf_rcu_read_lock",
    "bpf_rcu_read_unlock",
    "bpf_preempt_disable",
    "bpf_preempt_enable",
    "bpf_local_irq_save",
    "bpf_local_irq_restore",
  ]) {
    define(name, "int", () => 0);
  }
  // The verifier's word for it is all that a cast is.
  define("bpf_rdonly_cast", "uint", (object) => object);
  define("bpf_throw", "int", (cookie) => throwException(runtime, cookie), { wide: true });
};

/**
 * Ends the program from any depth: with what its exception callback makes of the thrown number (its low half, which the
 * callback gets zero-extended), or with the number itself.
 */
function throwException(runtime: Runtime, cookie: number): never {
  const { functions = [], exceptionCallback } = runtime.runningImage ?? {};
  const words = runtime.memory.u32;
  const record = functions.find((address) => words[(address + functionRecord.slot) >> 2] === exceptionCallback);
  if (record === undefined) return runtime.exit(runtime.registerLow(1), runtime.registerHigh(1));
  // The frames of what threw are gone.
  runtime.memory.i32[(runtime.run.area + area.depth) >> 2] = 0;
  const result = runtime.invoke(record, cookie, 0);
  return runtime.exit(result, runtime.registerHigh(0));
}
