import { BPF_RINGBUF_DISCARD_BIT, E2BIG, EINVAL } from "../../abi/index.js";
import {
  checkRange,
  clearDynptr,
  DYNPTR_MAX_SIZE,
  dynptrType,
  memoryAt,
  readDynptr,
  readThrough,
  writeDynptr,
  writeThrough,
} from "../dynptr.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow, skbContext } from "./skb.js";

const SKB_STORE_FLAGS = 3;
const BPF_F_INVALIDATE_HASH = 2;

/** Pointers whose bounds are known at run time: to the program's own memory, to records of ring buffers, to packets. */
export const dynptrHelpers: HelperFamily = (define, { runtime, maps }) => {
  const wide = { wide: true };
  define(
    "dynptr_from_mem",
    "int",
    (data, size, flags, to) => {
      const address = to >>> 0;
      clearDynptr(runtime, address);
      if (size >>> 0 > DYNPTR_MAX_SIZE) return -E2BIG;
      if (flags !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      writeDynptr(runtime, { address, data: data >>> 0, size, offset: 0, type: dynptrType.local, readOnly: false });
      return 0;
    },
    wide,
  );
  define(
    "ringbuf_reserve_dynptr",
    "int",
    (map, size, flags, to) => {
      const address = to >>> 0;
      clearDynptr(runtime, address);
      if (flags !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      if (size >>> 0 > DYNPTR_MAX_SIZE) return -E2BIG;
      const data = maps.functions.ringbuf_reserve(map, size) >>> 0;
      if (data === 0) return -EINVAL;
      writeDynptr(runtime, { address, data, size, offset: 0, type: dynptrType.ringbuf, readOnly: false });
      return 0;
    },
    wide,
  );
  const commit = (address: number, flags: number, discard: number) => {
    const { data } = readDynptr(runtime, address);
    if (data === 0) return 0;
    if (!runtime.accessible(data - 8, 16, true)) runtime.fault("the record was not reserved");
    maps.functions.ringbuf_commit(data, flags, discard);
    clearDynptr(runtime, address);
    return 0;
  };
  define("ringbuf_submit_dynptr", "int", (at, flags) => commit(at >>> 0, flags, 0));
  define("ringbuf_discard_dynptr", "int", (at, flags) => commit(at >>> 0, flags, BPF_RINGBUF_DISCARD_BIT));
  define(
    "dynptr_read",
    "int",
    (to, length, from, offset, flags) => {
      const dynptr = readDynptr(runtime, from >>> 0);
      if (dynptr.data === 0 || flags !== 0 || !isNarrow(runtime, 5)) return -EINVAL;
      const error = checkRange(dynptr, offset >>> 0, length >>> 0);
      return error !== 0 ? error : readThrough(runtime, dynptr, offset >>> 0, to >>> 0, length);
    },
    wide,
  );
  define(
    "dynptr_write",
    "int",
    (to, offset, from, length, flags) => {
      const dynptr = readDynptr(runtime, to >>> 0);
      if (dynptr.data === 0 || dynptr.readOnly) return -EINVAL;
      const error = checkRange(dynptr, offset >>> 0, length >>> 0);
      if (error !== 0) return error;
      const isSkb = dynptr.type === dynptrType.skb;
      if ((flags & ~(isSkb ? SKB_STORE_FLAGS : 0)) !== 0 || !isNarrow(runtime, 5)) return -EINVAL;
      if (isSkb && flags & BPF_F_INVALIDATE_HASH) skbContext(runtime).clearHash();
      return writeThrough(runtime, dynptr, offset >>> 0, from >>> 0, length);
    },
    wide,
  );
  define("dynptr_data", "uint", (from, offset, length) => {
    const dynptr = readDynptr(runtime, from >>> 0);
    const isMemory = dynptr.type === dynptrType.local || dynptr.type === dynptrType.ringbuf;
    if (!isMemory || dynptr.readOnly || checkRange(dynptr, offset >>> 0, length >>> 0) !== 0) return 0;
    return memoryAt(runtime, dynptr, offset >>> 0, length >>> 0, true);
  });
};
