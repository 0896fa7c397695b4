import type { HelperFamily } from "./definition.js";

/** bpf_spin_lock() and bpf_spin_unlock(): one program runs at a time, so the lock only has to be seen as taken. */
export const lockHelpers: HelperFamily = (define, { runtime }) => {
  define("spin_lock", "int", (lock) => {
    const words = runtime.memory.u32;
    if (words[lock >>> 2] !== 0) runtime.fault("the bpf_spin_lock is held already");
    words[lock >>> 2] = 1;
    return 0;
  });
  define("spin_unlock", "int", (lock) => {
    runtime.memory.u32[lock >>> 2] = 0;
    return 0;
  });
  define(
    "kptr_xchg",
    "wide",
    (slot) => {
      const words = runtime.memory.i32;
      const at = slot >>> 2;
      const [low, high] = [words[at]!, words[at + 1]!];
      words[at] = runtime.registerLow(2);
      words[at + 1] = runtime.registerHigh(2);
      runtime.setRegister(0, low, high);
      return 0;
    },
    { wide: true },
  );
};
