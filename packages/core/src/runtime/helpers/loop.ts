import { E2BIG, EINVAL } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";

/** BPF_MAX_LOOPS */
const MAX_LOOPS = 8 << 20;

/** bpf_loop(): calls a function of the program until it returns other than 0. */
export const loopHelpers: HelperFamily = (define, { runtime }) => {
  define(
    "loop",
    "wide",
    (iterations, callback, context) => {
      const returns = (low: number, high: number) => {
        runtime.setRegister(0, low, high);
        return 0;
      };
      if (runtime.registerLow(4) !== 0 || runtime.registerHigh(4) !== 0) return returns(-EINVAL, -1);
      const count = iterations >>> 0;
      // The kernel puts this loop in place of the call: all 64 bits count there, and the error has 32.
      if (runtime.registerHigh(1) !== 0 || count > MAX_LOOPS) return returns(-E2BIG, 0);
      for (let index = 0; index < count; index++) {
        if (runtime.invoke(callback >>> 0, index, context) !== 0) return returns(index + 1, 0);
      }
      return returns(count, 0);
    },
    { wide: true },
  );
};
