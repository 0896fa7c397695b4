import type { PacketLoader, Runtime } from "./runtime.js";
import { SkbContext } from "./skb-context.js";

/** Offsets from here on count from the network header (SKF_NET_OFF), and further down from the link layer header. */
const SKF_NET_OFF = -0x100000;
const SKF_LL_OFF = -0x200000;

/** What `ld_abs` and `ld_ind` read from the socket buffer of the run in progress. */
export function packetLoader(runtime: Runtime): PacketLoader {
  return (_skb, offset, size) => {
    const { context } = runtime.run;
    if (!(context instanceof SkbContext)) return 0;
    const at = loadAddress(context, offset);
    if (at < context.macHeader || at + size > context.packetEnd) return 0;
    const { view } = runtime.memory;
    const value = size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, false) : view.getInt32(at, false);
    runtime.setRegister(0, value, 0);
    return 1;
  };
}

function loadAddress(skb: SkbContext, offset: number): number {
  if (offset >= 0) return skb.packetStart + offset;
  if (offset >= SKF_NET_OFF) return skb.networkHeader + offset - SKF_NET_OFF;
  if (offset >= SKF_LL_OFF) return skb.macHeader + offset - SKF_LL_OFF;
  return -1;
}
