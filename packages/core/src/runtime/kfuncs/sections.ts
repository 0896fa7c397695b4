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
  // Without a callback of the program's own, an exception ends it with the thrown number.
  define("bpf_throw", "int", () => runtime.exit(runtime.registerLow(1), runtime.registerHigh(1)), { wide: true });
};
