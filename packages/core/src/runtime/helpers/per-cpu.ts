import type { HelperFamily } from "./definition.js";

/** A CPU's own copy of an object that there is one of for each CPU (bpf_percpu_obj_new). */
export const perCpuHelpers: HelperFamily = (define, { runtime, objects }) => {
  define("per_cpu_ptr", "uint", (address, cpu) => (cpu >>> 0 < runtime.cpus ? objects.copyOf(address >>> 0, cpu) : 0));
  define("this_cpu_ptr", "uint", (address) => objects.copyOf(address >>> 0, runtime.cpu));
};
