import { E2BIG, EINVAL } from "../../abi/index.js";
import { encodeText } from "../../base/index.js";
import { SysctlContext } from "../contexts/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";

const BASE_NAME = 1;

/** The sysctl that a program runs for. */
export const sysctlHelpers: HelperFamily = (define, { runtime }) => {
  const { memory } = runtime;
  /** Copies text with its end, cut to what there is room for: its length, or -E2BIG. */
  const give = (text: Uint8Array, to: number, size: number): number => {
    if (size <= 0) return 0;
    const at = to >>> 0;
    const kept = text.subarray(0, size - 1);
    memory.u8.fill(0, at, at + size);
    memory.u8.set(kept, at);
    return text.length > size - 1 ? -E2BIG : text.length;
  };
  define("sysctl_get_name", "int", (_ctx, buffer, size, flags) => {
    const { name } = sysctl(runtime);
    const shown = flags & BASE_NAME ? name.slice(name.lastIndexOf("/") + 1) : name;
    return give(encodeText(shown), buffer, size);
  });
  define("sysctl_get_current_value", "int", (_ctx, buffer, size) => give(sysctl(runtime).current, buffer, size));
  define("sysctl_get_new_value", "int", (_ctx, buffer, size) => {
    const { written } = sysctl(runtime);
    if (written !== undefined) return give(written, buffer, size);
    memory.u8.fill(0, buffer >>> 0, (buffer >>> 0) + size);
    return -EINVAL;
  });
  define("sysctl_set_new_value", "int", (_ctx, buffer, size) => {
    const context = sysctl(runtime);
    if (context.written === undefined || size <= 0) return -EINVAL;
    if (size > 4095) return -E2BIG;
    context.written = memory.copy(buffer >>> 0, size);
    context.replaced = true;
    return 0;
  });
};

function sysctl(runtime: Runtime): SysctlContext {
  const { context } = runtime.run;
  return context instanceof SysctlContext ? context : runtime.fault("the program's context is no sysctl");
}
