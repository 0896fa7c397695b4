import { EINVAL, EOVERFLOW } from "../../abi/index.js";
import { encodeText } from "../../base/index.js";
import type { Environment } from "../environment.js";
import type { HelperFamily } from "./definition.js";
import { argumentArray, formatBytes } from "./print.js";
import { formatPrint } from "./printf.js";

/** What iterators write: bpf_seq_write() and bpf_seq_printf(). */
export const seqHelpers: HelperFamily = (define, environment) => {
  const { runtime } = environment;
  define("seq_write", "int", (file, data, size) => {
    return writeTo(environment, file, runtime.memory.copy(data >>> 0, size >>> 0));
  });
  define("seq_printf", "int", (file, format, size, data, length) => {
    const args = argumentArray(runtime, data, length);
    const bytes = formatBytes(runtime, format, size);
    const text = args === undefined || bytes === undefined ? -EINVAL : formatPrint(runtime, bytes, length / 8, args);
    return typeof text === "number" ? text : writeTo(environment, file, encodeText(text));
  });
};

/** Adds bytes to what an iterator writes. 0, or -EOVERFLOW. */
export function writeTo({ runtime, seqFiles }: Environment, file: number, bytes: Uint8Array): number {
  const seq = seqFiles.get(file >>> 0);
  if (seq === undefined) return runtime.fault("the first argument is no seq_file");
  return seq.write(bytes) ? 0 : -EOVERFLOW;
}
