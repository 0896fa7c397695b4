import { EINVAL, ENAMETOOLONG, ENOENT } from "../../abi/index.js";
import { encodeText } from "../../base/index.js";
import { readString } from "../read-string.js";
import type { HelperFamily } from "./definition.js";

const PATH_MAX = 4096;

/** Tasks and files as objects of the kernel. They take the kernel's types: programs that call these are not loaded without. */
export const currentTaskHelpers: HelperFamily = (define, environment) => {
  const { runtime, tasks, paths, symbols } = environment;
  const kernelTypes = { needsKernelTypes: true };
  define("get_current_task", "uint", () => tasks.current.address, kernelTypes);
  define("get_current_task_btf", "uint", () => tasks.current.address, kernelTypes);
  define("d_path", "int", (path, to, size) => {
    const name = paths.get(path >>> 0);
    if (size === 0) return 0;
    if (name === undefined) return -EINVAL;
    const bytes = encodeText(`${name}\0`);
    if (bytes.length > Math.min(size >>> 0, PATH_MAX)) return -ENAMETOOLONG;
    runtime.memory.u8.set(bytes, to >>> 0);
    return bytes.length;
  });
  define("kallsyms_lookup_name", "int", (name, size, flags, to) => {
    const { view } = runtime.memory;
    view.setBigUint64(to >>> 0, 0n, true);
    if (flags !== 0 || size <= 1) return -EINVAL;
    const bytes = readString(runtime, name >>> 0, size - 1);
    const text = bytes === undefined ? "" : String.fromCharCode(...bytes);
    if (bytes === undefined || bytes.length !== size - 1) return -EINVAL;
    if (!symbols.has(text) && environment.kernel.types?.find(text, "func").length !== 1) return -ENOENT;
    view.setBigUint64(to >>> 0, symbols.address(text), true);
    return 0;
  });
};
