import { EBUSY, EDEADLK, EINVAL, EPERM } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;
/** Seconds that universal time was behind atomic time since 2017. */
const LEAP_NANOSECONDS = 37_000_000_000n;
const BPF_F_TIMER_ABS = 1;
const BPF_F_TIMER_CPU_PIN = 2;

/** bpf_timer: a callback at a time to come, in a map's value. */
export const timerHelpers: HelperFamily = (define, environment) => {
  const { runtime, maps, timers } = environment;
  const wide = { wide: true };
  define(
    "timer_init",
    "int",
    (address, mapAddress, clock) => {
      const known = clock === CLOCK_REALTIME || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME;
      if (!known || !isNarrow(runtime, 3)) return -EINVAL;
      if (timers.at(address >>> 0) !== undefined) return -EBUSY;
      const map = maps.mapAt(mapAddress >>> 0);
      if (map === undefined) return -EINVAL;
      if (!timers.holds.isHeld(map)) return -EPERM;
      timers.init(address >>> 0, map, clock);
      return 0;
    },
    wide,
  );
  define("timer_set_callback", "int", (address, callback) => {
    const timer = timers.at(address >>> 0);
    if (timer === undefined) return -EINVAL;
    if (!timers.holds.isHeld(timer.map)) return -EPERM;
    timers.setCallback(timer, callback >>> 0);
    return 0;
  });
  define(
    "timer_start",
    "int",
    (address, low, flags) => {
      if ((flags & ~(BPF_F_TIMER_ABS | BPF_F_TIMER_CPU_PIN)) !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      const timer = timers.at(address >>> 0);
      if (timer === undefined || timer.callback === 0) return -EINVAL;
      const nanoseconds = (low >>> 0) + runtime.registerHigh(2) * 2 ** 32;
      const now = environment.clock.monotonic();
      if (!(flags & BPF_F_TIMER_ABS)) timer.expires = now + nanoseconds;
      else timer.expires = now + nanoseconds - clockNow(timer.clock);
      return 0;
    },
    wide,
  );
  define("timer_cancel", "int", (address) => {
    const timer = timers.at(address >>> 0);
    if (timer === undefined) return -EINVAL;
    if (timer === timers.running) return -EDEADLK;
    return timers.cancel(timer) ? 1 : 0;
  });

  function clockNow(clock: number): number {
    if (clock === CLOCK_MONOTONIC) return environment.clock.monotonic();
    if (clock === CLOCK_BOOTTIME) return environment.clock.boottime();
    // A double holds the time since 1970 to a quarter of a microsecond.
    return Number(environment.clock.tai() - LEAP_NANOSECONDS);
  }
};
