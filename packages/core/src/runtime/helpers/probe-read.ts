import { E2BIG, EFAULT } from "../../abi/index.js";
import { readString } from "../read-string.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";

/**
 * Reading from addresses that may not be there. A Machine's kernel and user memory are the same: what the program could
 * read itself; everything else is a fault that the helper answers with -EFAULT.
 */
export const probeReadHelpers: HelperFamily = (define, { runtime }) => {
  const wide = { wide: true };
  for (const name of ["probe_read", "probe_read_user", "probe_read_kernel", "copy_from_user"]) {
    define(name, "int", (to, size, from) => readBytes(runtime, to >>> 0, size >>> 0, from >>> 0), wide);
  }
  for (const name of ["probe_read_str", "probe_read_user_str", "probe_read_kernel_str"]) {
    define(name, "int", (to, size, from) => readText(runtime, to >>> 0, size >>> 0, from >>> 0), wide);
  }
};

function readBytes(runtime: Runtime, to: number, size: number, from: number): number {
  if (size === 0) return 0;
  if (runtime.registerHigh(3) === 0 && runtime.accessible(from, size, false)) {
    runtime.memory.u8.copyWithin(to, from, from + size);
    return 0;
  }
  runtime.memory.u8.fill(0, to, to + size);
  return -EFAULT;
}

/** Returns the length with the NUL, which is put in place of the last byte of a string too long. */
function readText(runtime: Runtime, to: number, size: number, from: number): number {
  if (size === 0) return 0;
  if (size > 0x7fff_ffff) return -E2BIG;
  const text = runtime.registerHigh(3) === 0 ? readString(runtime, from, size - 1) : undefined;
  if (text === undefined) {
    runtime.memory.u8.fill(0, to, to + size);
    return -EFAULT;
  }
  runtime.memory.u8.set(text, to);
  runtime.memory.u8[to + text.length] = 0;
  return text.length + 1;
}
