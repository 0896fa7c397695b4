import { E2BIG, EFAULT, EINVAL } from "../../abi/index.js";
import { checkRange, type Dynptr, readDynptr, writeThrough } from "../dynptr.js";
import { readString } from "../read-string.js";
import type { Runtime } from "../runtime.js";
import type { KfuncFamily } from "./definition.js";

/** Reading from addresses that may not be there, into what a dynptr points to. Kernel and user memory are the same here. */
export const dynptrReadKfuncs: KfuncFamily = (define, { runtime }) => {
  /** Defines functions that `read` what is at an address that may be anywhere: `from` is undefined beyond 32 bits. */
  const defineReads = (
    names: readonly string[],
    read: (target: Dynptr, offset: number, size: number, from: number | undefined) => number,
  ) => {
    for (const name of names) {
      define(
        name,
        "int",
        (to, offset, size, from) => {
          const target = readDynptr(runtime, to >>> 0);
          const error = checkTarget(target, offset >>> 0, size >>> 0);
          if (error !== 0 || size === 0) return error;
          return read(target, offset >>> 0, size >>> 0, runtime.registerHigh(4) === 0 ? from >>> 0 : undefined);
        },
        { wide: true },
      );
    }
  };
  defineReads(
    ["bpf_probe_read_kernel_dynptr", "bpf_probe_read_user_dynptr", "bpf_copy_from_user_dynptr"],
    (target, offset, size, from) =>
      from === undefined || !runtime.accessible(from, size, false)
        ? -EFAULT
        : writeThrough(runtime, target, offset, from, size),
  );
  defineReads(
    ["bpf_probe_read_kernel_str_dynptr", "bpf_probe_read_user_str_dynptr", "bpf_copy_from_user_str_dynptr"],
    (target, offset, size, from) => {
      const text = from === undefined ? undefined : readString(runtime, from, size - 1);
      return text === undefined ? -EFAULT : writeText(runtime, target, offset, text);
    },
  );
};

function checkTarget(target: Dynptr, offset: number, size: number): number {
  if (target.data === 0 || target.readOnly) return -EINVAL;
  return checkRange(target, offset, size) === 0 ? 0 : -E2BIG;
}

/** Returns the length with the NUL. */
function writeText(runtime: Runtime, target: Dynptr, offset: number, text: Uint8Array): number {
  const length = text.length + 1;
  const between = runtime.memory.alloc(length);
  runtime.memory.u8.set(text, between);
  const error = writeThrough(runtime, target, offset, between, length);
  runtime.memory.free(between);
  return error === 0 ? length : error;
}
