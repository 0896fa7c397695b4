import { BPF_RINGBUF_DISCARD_BIT, EINVAL } from "../../abi/index.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

/** Ring buffers from programs to user space. */
export const ringBufferHelpers: HelperFamily = (define, { runtime, maps }) => {
  const { functions } = maps;
  const wide = { wide: true };
  const out = runtime.memory.alloc(8);
  define(
    "ringbuf_output",
    "int",
    (map, data, size, flags) => {
      return isNarrow(runtime, 4) ? functions.ringbuf_output(map, data, size, flags) : -EINVAL;
    },
    wide,
  );
  define(
    "ringbuf_reserve",
    "uint",
    (map, size, flags) => {
      const isFine = flags === 0 && isNarrow(runtime, 3) && isNarrow(runtime, 2);
      return isFine ? functions.ringbuf_reserve(map, size) : 0;
    },
    wide,
  );
  define("ringbuf_submit", "int", (record, flags) => commit(record, flags, 0));
  define("ringbuf_discard", "int", (record, flags) => commit(record, flags, BPF_RINGBUF_DISCARD_BIT));
  define(
    "ringbuf_query",
    "wide",
    (map, what) => {
      const error = isNarrow(runtime, 2) ? functions.ringbuf_query(map, what, out) : 1;
      const words = runtime.memory.i32;
      if (error !== 0) runtime.setRegister(0, 0, 0);
      else runtime.setRegister(0, words[out >> 2]!, words[(out >> 2) + 1]!);
      return 0;
    },
    wide,
  );

  function commit(record: number, flags: number, discard: number): number {
    // A record that was never reserved would have its header anywhere.
    if (!runtime.accessible((record >>> 0) - 8, 16, true)) runtime.fault("the record was not reserved");
    return functions.ringbuf_commit(record, flags, discard);
  }
};
