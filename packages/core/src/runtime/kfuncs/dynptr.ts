import { E2BIG, EINVAL, ERANGE } from "../../abi/index.js";
import {
  checkRange,
  clearDynptr,
  type Dynptr,
  dynptrType,
  memoryAt,
  readDynptr,
  readThrough,
  writeDynptr,
  writeThrough,
} from "../dynptr.js";
import { skbContext } from "../helpers/skb.js";
import { xdpContext } from "../helpers/xdp.js";
import type { KfuncFamily } from "./definition.js";

/** Dynptrs to packets, and what is done with dynptrs of any kind. */
export const dynptrKfuncs: KfuncFamily = (define, { runtime }) => {
  const fromPacket = (
    to: number,
    flags: number,
    packet: { length: number; data: number; type: number; readOnly: boolean },
  ) => {
    const address = to >>> 0;
    clearDynptr(runtime, address);
    if (flags !== 0 || runtime.registerHigh(2) !== 0) return -EINVAL;
    const { length: size, data, type, readOnly } = packet;
    writeDynptr(runtime, { address, data, size, offset: 0, type, readOnly });
    return 0;
  };
  const wide = { wide: true };
  define(
    "bpf_dynptr_from_skb",
    "int",
    (_skb, flags, to) => {
      const { length, address: data, mayWrite } = skbContext(runtime);
      return fromPacket(to, flags, { length, data, type: dynptrType.skb, readOnly: !mayWrite });
    },
    wide,
  );
  define(
    "bpf_dynptr_from_xdp",
    "int",
    (_xdp, flags, to) => {
      const { length, address: data } = xdpContext(runtime);
      return fromPacket(to, flags, { length, data, type: dynptrType.xdp, readOnly: false });
    },
    wide,
  );
  const slice = (dynptr: Dynptr, offset: number, buffer: number, size: number) => {
    if (dynptr.data === 0 || checkRange(dynptr, offset, size) !== 0) return 0;
    const direct = memoryAt(runtime, dynptr, offset, size, false);
    if (direct !== 0 || buffer === 0) return direct;
    // Bytes in several pieces are gathered in the program's buffer.
    if (!runtime.accessible(buffer, size, true)) runtime.fault("the buffer of a slice is not the program's");
    return readThrough(runtime, dynptr, offset, buffer, size) === 0 ? buffer : 0;
  };
  define("bpf_dynptr_slice", "uint", (from, offset, buffer, size) => {
    return slice(readDynptr(runtime, from >>> 0), offset >>> 0, buffer >>> 0, size >>> 0);
  });
  define("bpf_dynptr_slice_rdwr", "uint", (from, offset, buffer, size) => {
    const dynptr = readDynptr(runtime, from >>> 0);
    return dynptr.readOnly ? 0 : slice(dynptr, offset >>> 0, buffer >>> 0, size >>> 0);
  });
  define("bpf_dynptr_adjust", "int", (from, start, end) => {
    const dynptr = readDynptr(runtime, from >>> 0);
    const [first, last] = [start >>> 0, end >>> 0];
    if (dynptr.data === 0 || first > last) return -EINVAL;
    if (first > dynptr.size || last > dynptr.size) return -ERANGE;
    writeDynptr(runtime, { ...dynptr, offset: dynptr.offset + first, size: last - first });
    return 0;
  });
  define("bpf_dynptr_is_null", "uint", (from) => (readDynptr(runtime, from >>> 0).data === 0 ? 1 : 0));
  define("bpf_dynptr_is_rdonly", "uint", (from) => {
    const { data, readOnly } = readDynptr(runtime, from >>> 0);
    return data !== 0 && readOnly ? 1 : 0;
  });
  define("bpf_dynptr_size", "int", (from) => {
    const { data, size } = readDynptr(runtime, from >>> 0);
    return data === 0 ? -EINVAL : size;
  });
  define("bpf_dynptr_clone", "int", (from, to) => {
    const dynptr = readDynptr(runtime, from >>> 0);
    clearDynptr(runtime, to >>> 0);
    if (dynptr.data === 0) return -EINVAL;
    writeDynptr(runtime, { ...dynptr, address: to >>> 0 });
    return 0;
  });
  define("bpf_dynptr_memset", "int", (to, offset, size, value) => {
    const target = readDynptr(runtime, to >>> 0);
    const length = size >>> 0;
    if (target.data === 0 || target.readOnly) return -EINVAL;
    if (checkRange(target, offset >>> 0, length) !== 0) return -E2BIG;
    const between = runtime.memory.alloc(Math.max(1, length));
    runtime.memory.u8.fill(value & 0xff, between, between + length);
    const error = writeThrough(runtime, target, offset >>> 0, between, length);
    runtime.memory.free(between);
    return error;
  });
  define("bpf_dynptr_copy", "int", (to, toOffset, from, fromOffset, size) => {
    const [source, target] = [readDynptr(runtime, from >>> 0), readDynptr(runtime, to >>> 0)];
    const length = size >>> 0;
    if (target.data === 0 || target.readOnly || source.data === 0) return -EINVAL;
    if (checkRange(source, fromOffset >>> 0, length) !== 0 || checkRange(target, toOffset >>> 0, length) !== 0)
      return -E2BIG;
    const between = runtime.memory.alloc(length);
    const error =
      readThrough(runtime, source, fromOffset >>> 0, between, length) ||
      writeThrough(runtime, target, toOffset >>> 0, between, length);
    runtime.memory.free(between);
    return error;
  });
};
