import type { HelperFamily } from "./definition.js";

/** Ticks a second (CONFIG_HZ). */
export const HZ = 250;
/** The counter starts five minutes before it overflows 32 bits, so that overflows are met early. */
const INITIAL_JIFFIES = 2 ** 32 - 300 * HZ;

/** bpf_ktime_get_ns() and its relatives, from the environment's clock. */
export const clockHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  const returnNumber = (value: number) => {
    runtime.setRegister(0, value | 0, Math.floor(value / 2 ** 32));
    return 0;
  };
  // The low half of a number beyond 2^53 cannot be taken with `| 0`.
  const returnBigInt = (value: bigint) => {
    runtime.setRegister(0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    return 0;
  };
  define("ktime_get_ns", "wide", () => returnNumber(environment.clock.monotonic()));
  define("ktime_get_boot_ns", "wide", () => returnNumber(environment.clock.boottime()));
  // The coarse clock stands at the last tick.
  define("ktime_get_coarse_ns", "wide", () => {
    const now = environment.clock.monotonic();
    return returnNumber(now - (now % (1e9 / HZ)));
  });
  define("ktime_get_tai_ns", "wide", () => returnBigInt(environment.clock.tai()));
  define("jiffies64", "wide", () =>
    returnNumber(INITIAL_JIFFIES + Math.floor((environment.clock.monotonic() * HZ) / 1e9)),
  );
};
