import { EBUSY, EINVAL, EPERM } from "../../abi/index.js";
import type { KfuncFamily } from "./definition.js";

/** bpf_wq: a callback that runs later, in a map's value. It runs when the Machine's clock is moved, or is asked for timers. */
export const workQueueKfuncs: KfuncFamily = (define, environment) => {
  const { maps, timers } = environment;
  define("bpf_wq_init", "int", (address, mapAddress, flags) => {
    const map = maps.mapAt(mapAddress >>> 0);
    if (flags !== 0 || map === undefined) return -EINVAL;
    if (timers.at(address >>> 0) !== undefined) return -EBUSY;
    if (!timers.holds.isHeld(map)) return -EPERM;
    timers.init(address >>> 0, map, 1, "workqueue");
    return 0;
  });
  define("bpf_wq_set_callback_impl", "int", (address, callback, flags) => {
    const work = timers.at(address >>> 0);
    if (flags !== 0 || work === undefined) return -EINVAL;
    if (!timers.holds.isHeld(work.map)) return -EPERM;
    timers.setCallback(work, callback >>> 0);
    return 0;
  });
  define("bpf_wq_start", "int", (address, flags) => {
    const work = timers.at(address >>> 0);
    if (flags !== 0 || work === undefined) return -EINVAL;
    work.expires ??= environment.clock.monotonic();
    return 0;
  });
};
