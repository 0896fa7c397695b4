import { EFAULT, EINVAL } from "../../abi/index.js";
import type { Runtime } from "../runtime.js";
import { XdpContext } from "../xdp-context.js";
import type { HelperFamily } from "./definition.js";

/** The packet of the run in progress. Only XDP programs get here once verified. */
export function xdpContext(runtime: Runtime): XdpContext {
  const { context } = runtime.run;
  return context instanceof XdpContext ? context : runtime.fault("the program's context is no xdp_md");
}

/** The helpers that only XDP programs have. */
export const xdpHelpers: HelperFamily = (define, { runtime }) => {
  define("xdp_adjust_head", "int", (_ctx, delta) => xdpContext(runtime).adjustHead(delta));
  define("xdp_adjust_meta", "int", (_ctx, delta) => xdpContext(runtime).adjustMeta(delta));
  define("xdp_adjust_tail", "int", (_ctx, delta) => xdpContext(runtime).adjustTail(delta));
  define("xdp_get_buff_len", "uint", () => xdpContext(runtime).length);
  define("xdp_load_bytes", "int", (_ctx, offset, buffer, size) => {
    if (offset >>> 0 > 0xffff || size >>> 0 > 0xffff) return -EFAULT;
    return xdpContext(runtime).read(offset, buffer >>> 0, size) ? 0 : -EINVAL;
  });
  define("xdp_store_bytes", "int", (_ctx, offset, buffer, size) => {
    if (offset >>> 0 > 0xffff || size >>> 0 > 0xffff) return -EFAULT;
    return xdpContext(runtime).write(offset, buffer >>> 0, size) ? 0 : -EINVAL;
  });
};
