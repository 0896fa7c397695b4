import { BPF_RINGBUF_DISCARD_BIT, E2BIG, EFAULT, EINVAL } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

/** `struct bpf_dynptr` as the kernel uses it: data:8 size:4 offset:4, the size with type and rights in its upper byte. */
const dynptr = { data: 0, size: 8, offset: 12 } as const;
const MAX_SIZE = 0xffffff;
const TYPE_SHIFT = 28;
const READ_ONLY = 0x8000_0000;
const LOCAL = 1;
const RINGBUF = 2;

/** Pointers whose bounds are known at run time: to the program's own memory and to records of ring buffers. */
export const dynptrHelpers: HelperFamily = (define, { runtime, maps }) => {
  const wide = { wide: true };
  const clear = (at: number) => runtime.memory.u8.fill(0, at, at + 16);
  const fill = (at: number, data: number, size: number, type: number) => {
    const { view } = runtime.memory;
    clear(at);
    view.setUint32(at + dynptr.data, data, true);
    view.setUint32(at + dynptr.size, size | (type << TYPE_SHIFT), true);
    return 0;
  };
  define(
    "dynptr_from_mem",
    "int",
    (data, size, flags, to) => {
      clear(to >>> 0);
      if (size >>> 0 > MAX_SIZE) return -E2BIG;
      if (flags !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      return fill(to >>> 0, data >>> 0, size, LOCAL);
    },
    wide,
  );
  define(
    "ringbuf_reserve_dynptr",
    "int",
    (map, size, flags, to) => {
      clear(to >>> 0);
      if (flags !== 0 || !isNarrow(runtime, 3)) return -EINVAL;
      if (size >>> 0 > MAX_SIZE) return -E2BIG;
      const record = maps.functions.ringbuf_reserve(map, size) >>> 0;
      return record === 0 ? -EINVAL : fill(to >>> 0, record, size, RINGBUF);
    },
    wide,
  );
  const commit = (at: number, flags: number, discard: number) => {
    const record = runtime.memory.view.getUint32(at + dynptr.data, true);
    if (record === 0) return 0;
    if (!runtime.accessible(record - 8, 16, true)) runtime.fault("the record was not reserved");
    maps.functions.ringbuf_commit(record, flags, discard);
    clear(at);
    return 0;
  };
  define("ringbuf_submit_dynptr", "int", (at, flags) => commit(at >>> 0, flags, 0));
  define("ringbuf_discard_dynptr", "int", (at, flags) => commit(at >>> 0, flags, BPF_RINGBUF_DISCARD_BIT));
  define(
    "dynptr_read",
    "int",
    (to, length, from, offset, flags) => {
      const source = readDynptr(runtime, from >>> 0);
      if (source.data === 0 || flags !== 0 || !isNarrow(runtime, 5)) return -EINVAL;
      const at = locate(runtime, source, offset >>> 0, length >>> 0, false);
      if (at < 0) return at;
      runtime.memory.u8.copyWithin(to >>> 0, at, at + length);
      return 0;
    },
    wide,
  );
  define(
    "dynptr_write",
    "int",
    (to, offset, from, length, flags) => {
      const target = readDynptr(runtime, to >>> 0);
      if (target.data === 0 || target.readOnly) return -EINVAL;
      const at = locate(runtime, target, offset >>> 0, length >>> 0, true);
      if (at < 0) return at;
      if (flags !== 0 || !isNarrow(runtime, 5)) return -EINVAL;
      runtime.memory.u8.copyWithin(at, from >>> 0, (from >>> 0) + length);
      return 0;
    },
    wide,
  );
  define("dynptr_data", "uint", (from, offset, length) => {
    const source = readDynptr(runtime, from >>> 0);
    if (source.data === 0 || source.readOnly) return 0;
    return Math.max(0, locate(runtime, source, offset >>> 0, length >>> 0, true));
  });
};

interface Dynptr {
  readonly data: number;
  readonly size: number;
  readonly offset: number;
  readonly readOnly: boolean;
}

function readDynptr(runtime: Runtime, at: number): Dynptr {
  const { view } = runtime.memory;
  const size = view.getUint32(at + dynptr.size, true);
  return {
    data: view.getUint32(at + dynptr.data, true),
    size: size & MAX_SIZE,
    offset: view.getUint32(at + dynptr.offset, true),
    readOnly: (size & READ_ONLY) !== 0,
  };
}

/** Address of `length` bytes at `offset`, or an errno. What an unverified program made up itself is no dynptr. */
function locate(runtime: Runtime, of: Dynptr, offset: number, length: number, write: boolean): number {
  if (length > of.size || offset > of.size - length) return -E2BIG;
  const at = of.data + of.offset + offset;
  return length === 0 || runtime.accessible(at, length, write) ? at : -EFAULT;
}
