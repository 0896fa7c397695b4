import { E2BIG, EINVAL } from "../../abi/index.js";
import type { KfuncFamily } from "./definition.js";

/** BPF_MAX_LOOPS */
const MAX_LOOPS = 8 << 20;

/** `struct bpf_iter_num` on the program's stack: the current number and the end, i32s. */
export const iteratorKfuncs: KfuncFamily = (define, { runtime }) => {
  const set = (at: number, current: number, end: number) => {
    if (!runtime.accessible(at >>> 0, 8, true)) runtime.fault("an iterator lies on the stack");
    runtime.memory.i32[at >>> 2] = current;
    runtime.memory.i32[(at >>> 2) + 1] = end;
  };
  define("bpf_iter_num_new", "int", (iterator, start, end) => {
    set(iterator, 0, 0);
    if (start > end) return -EINVAL;
    if (end - start > MAX_LOOPS) return -E2BIG;
    set(iterator, (start - 1) | 0, end);
    return 0;
  });
  define("bpf_iter_num_next", "uint", (iterator) => {
    if (!runtime.accessible(iterator >>> 0, 8, true)) runtime.fault("an iterator lies on the stack");
    const words = runtime.memory.i32;
    const next = (words[iterator >>> 2]! + 1) | 0;
    if (next >= words[(iterator >>> 2) + 1]!) {
      set(iterator, 0, 0);
      return 0;
    }
    words[iterator >>> 2] = next;
    return iterator;
  });
  define("bpf_iter_num_destroy", "int", (iterator) => {
    set(iterator, 0, 0);
    return 0;
  });
};
