import { EINVAL } from "../../abi/index.js";
import { UserRingBufferMap } from "../../maps/index.js";
import { dynptrType, writeDynptr } from "../dynptr.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

/** BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP. */
const WAKEUP_FLAGS = 3;
/** Records that one call drains at most. */
const MAX_SAMPLES = 128 * 1024;
const DYNPTR_SIZE = 16;

/** bpf_user_ringbuf_drain(): hands what user space sent to a function of the program, until that returns other than 0. */
export const userRingHelpers: HelperFamily = (define, { runtime, maps }) => {
  // The dynptr that the callback gets; it lies with the kernel, where the program may read it.
  const address = runtime.memory.alloc(DYNPTR_SIZE);
  runtime.regions.add({
    name: "dynptr of bpf_user_ringbuf_drain",
    start: address,
    length: DYNPTR_SIZE,
    stride: DYNPTR_SIZE,
    offset: 0,
    size: DYNPTR_SIZE,
    writable: true,
  });
  define(
    "user_ringbuf_drain",
    "int",
    (map, callback, context, flags) => {
      if ((flags & ~WAKEUP_FLAGS) !== 0 || !isNarrow(runtime, 4)) return -EINVAL;
      const ring = maps.mapAt(map >>> 0);
      if (!(ring instanceof UserRingBufferMap)) return -EINVAL;
      let count = 0;
      let result = 0;
      for (; count < MAX_SAMPLES && result === 0; count++) {
        const record = ring.peek();
        if (record === undefined) break;
        const { address: data, size } = record;
        writeDynptr(runtime, { address, data, size, offset: 0, type: dynptrType.local, readOnly: false });
        result = runtime.invoke(callback >>> 0, address, context);
        ring.drop();
      }
      return count;
    },
    { wide: true },
  );
};
