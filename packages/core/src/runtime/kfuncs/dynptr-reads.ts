import { E2BIG, EFAULT, EINVAL } from "../../abi/index.js";
import { checkRange, type Dynptr, readDynptr, writeThrough } from "../dynptr.js";
import { readString } from "../read-string.js";
import type { Runtime } from "../runtime.js";
import type { KfuncFamily } from "./definition.js";

/** Reading from addresses that may not be there, into what a dynptr points to. Kernel and user memory are the same here. */
export const dynptrReadKfuncs: KfuncFamily = (define, { runtime }) => {
  const wide = { wide: true };
  for (const name of ["bpf_probe_read_kernel_dynptr", "bpf_probe_read_user_dynptr", "bpf_copy_from_user_dynptr"]) {
    define(
      name,
      "int",
      (to, offset, size, from) => {
        const target = readDynptr(runtime, to >>> 0);
        const error = checkTarget(target, offset >>> 0, size >>> 0);
        if (error !== 0 || size === 0) return error;
        if (runtime.registerHigh(4) !== 0 || !runtime.accessible(from >>> 0, size >>> 0, false)) return -EFAULT;
        return writeThrough(runtime, target, offset >>> 0, from >>> 0, size >>> 0);
      },
      wide,
    );
  }
  for (const name of [
    "bpf_probe_read_kernel_str_dynptr",
    "bpf_probe_read_user_str_dynptr",
    "bpf_copy_from_user_str_dynptr",
  ]) {
    define(
      name,
      "int",
      (to, offset, size, from) => {
        const target = readDynptr(runtime, to >>> 0);
        const error = checkTarget(target, offset >>> 0, size >>> 0);
        if (error !== 0 || size === 0) return error;
        const text = runtime.registerHigh(4) === 0 ? readString(runtime, from >>> 0, (size >>> 0) - 1) : undefined;
        return text === undefined ? -EFAULT : writeText(runtime, target, offset >>> 0, text);
      },
      wide,
    );
  }
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
