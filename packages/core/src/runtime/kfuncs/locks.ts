import { EDEADLK } from "../../abi/index.js";
import type { KfuncFamily } from "./definition.js";

/** Locks that say so when they can't be had. One program runs at a time: what is held is held by the run in progress. */
export const lockKfuncs: KfuncFamily = (define, { runtime }) => {
  const lock = (address: number) => {
    const words = runtime.memory.u32;
    if (words[address >>> 2] !== 0) return -EDEADLK;
    words[address >>> 2] = 1;
    return 0;
  };
  const unlock = (address: number) => {
    runtime.memory.u32[address >>> 2] = 0;
    return 0;
  };
  define("bpf_res_spin_lock", "int", lock);
  define("bpf_res_spin_lock_irqsave", "int", lock);
  define("bpf_res_spin_unlock", "int", unlock);
  define("bpf_res_spin_unlock_irqrestore", "int", unlock);
};
