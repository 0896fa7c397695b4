import { E2BIG, EINVAL } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";

/** BPF_MAX_LOOPS */
const MAX_LOOPS = 8 << 20;

/** bpf_loop(): calls a function of the program until it returns other than 0. */
export const loopHelpers: HelperFamily = (define, { runtime }) => {
  define(
    "loop",
    "int",
    (iterations, callback, context) => {
      if (runtime.registerLow(4) !== 0 || runtime.registerHigh(4) !== 0) return -EINVAL;
      const count = iterations >>> 0;
      if (count > MAX_LOOPS) return -E2BIG;
      for (let index = 0; index < count; index++) {
        if (runtime.invoke(callback >>> 0, index, context) !== 0) return index + 1;
      }
      return count;
    },
    { wide: true },
  );
};
