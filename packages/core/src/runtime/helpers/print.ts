import { EINVAL } from "../../abi/index.js";
import { encodeText } from "../../base/index.js";
import { readString } from "../read-string.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";
import { type Arguments, formatPrint, MAX_PRINT } from "./printf.js";

/** Arguments that bpf_snprintf() and bpf_trace_vprintk() take (MAX_BPRINTF_VARARGS). */
const MAX_ARGUMENTS = 12;
/** Arguments that the registers of bpf_trace_printk() leave room for. */
const TRACE_PRINTK_ARGUMENTS = 3;

/** bpf_trace_printk(), bpf_trace_vprintk() and bpf_snprintf(). */
export const printHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  const trace = (format: number, size: number, count: number, args: Arguments) => {
    const bytes = formatBytes(runtime, format, size);
    const text = bytes === undefined ? -EINVAL : formatPrint(runtime, bytes, count, args);
    if (typeof text === "number") return text;
    environment.trace(text.slice(0, MAX_PRINT - 1));
    return encodeText(text).length;
  };
  define(
    "trace_printk",
    "int",
    (format, size) => trace(format, size, TRACE_PRINTK_ARGUMENTS, (index) => runtime.register(3 + index)),
    { wide: true },
  );
  define("trace_vprintk", "int", (format, size, data, length) => {
    const args = argumentArray(runtime, data, length);
    return args === undefined ? -EINVAL : trace(format, size, length / 8, args);
  });
  define("snprintf", "int", (buffer, size, format, data, length) => {
    const args = argumentArray(runtime, data, length);
    const bytes = readString(runtime, format >>> 0, MAX_PRINT);
    if (args === undefined || bytes === undefined) return -EINVAL;
    const text = formatPrint(runtime, bytes, length / 8, args);
    if (typeof text === "number") return text;
    const encoded = encodeText(text);
    if (size > 0) {
      const end = Math.min(encoded.length, size - 1);
      runtime.memory.u8.set(encoded.subarray(0, end), buffer >>> 0);
      runtime.memory.u8[(buffer >>> 0) + end] = 0;
    }
    return encoded.length + 1;
  });
};

/** The format's bytes up to its NUL, which has to be within `size`. */
export function formatBytes(runtime: Runtime, format: number, size: number): Uint8Array | undefined {
  const bytes = runtime.memory.copy(format >>> 0, size >>> 0);
  const end = bytes.indexOf(0);
  return end < 0 ? undefined : bytes.subarray(0, end);
}

/** Arguments as u64s in memory; undefined for a length that cannot be. */
export function argumentArray(runtime: Runtime, data: number, length: number): Arguments | undefined {
  if (length % 8 !== 0 || length < 0 || length > MAX_ARGUMENTS * 8 || (length > 0 && data === 0)) return undefined;
  return (index) => runtime.memory.view.getBigUint64((data >>> 0) + index * 8, true);
}
